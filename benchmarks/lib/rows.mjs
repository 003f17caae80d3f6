import { ratio, summarize } from './statistics.mjs';

/**
 * The rows of one case, one for each peer and figure: `figures` maps a name to what a sample says of it. A peer without samples keeps its
 * row, with a note instead of figures.
 */
export const rowsOf = ({ name, figures, baseline, peers, samples, skipped = new Map() }) =>
  Object.entries(figures).flatMap(([figure, pick]) => {
    const made = peers.map((peer) => {
      const taken = samples.get(peer) ?? [];
      const values = taken.flatMap((sample) => (sample.failed === undefined ? (pick(sample, peer) ?? []) : []));
      const note = skipped.get(peer) ?? taken.find(({ failed }) => failed !== undefined)?.failed;
      return { case: name, figure, peer, ...summarize(note === undefined ? values : []), note };
    });
    const base = made.find(({ peer }) => peer === baseline)?.medianMs;
    return made
      .filter(({ n, note }) => n > 0 || note !== undefined)
      .map(({ note, ...row }) => ({
        ...row,
        ratio: ratio(row.medianMs, base),
        ...(note === undefined ? {} : { note }),
      }));
  });
