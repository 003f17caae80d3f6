/** How a score is shown: a line for each case, a column for each peer, and in each cell how many are left. */
import { drawing, FAINT, GREY, INK, line, OURS, text } from './plot.mjs';

const CONTAINED = '✓';

const unique = (values) => [...new Set(values)];
const peersOf = (rows) => unique(rows.map(({ peer }) => peer));
const casesOf = (rows) => unique(rows.map((row) => row.case));

const cellOf = (row) => {
  if (row === undefined || row.contained === null) return '–';
  if (row.contained) return CONTAINED;
  return row.left > 0 ? String(row.left) : 'failed';
};

/** `contained` of `all`, for each peer. What counts for nobody, and what was not measured, counts nowhere. */
export const scoresOf = (rows) =>
  peersOf(rows).map((peer) => {
    const counted = rows.filter((row) => row.peer === peer && row.counts && row.contained !== null);
    return { peer, contained: counted.filter(({ contained }) => contained).length, all: counted.length };
  });

const scored = (scores) => scores.map(({ contained, all }) => (all === 0 ? '–' : `${contained}/${all}`));

const linesOf = (rows) => {
  const peers = peersOf(rows);
  const found = new Map(rows.map((row) => [`${row.case}\n${row.peer}`, row]));
  const cells = casesOf(rows).map((name) => [name, ...peers.map((peer) => cellOf(found.get(`${name}\n${peer}`)))]);
  return [['specimen', ...peers], ['contained / all', ...scored(scoresOf(rows))], ...cells];
};

/** Why a cell is what it is, each said once. */
const notesOf = (rows) =>
  unique(rows.flatMap((row) => (row.note === undefined ? [] : [`${row.case}, ${row.peer}: ${row.note}`])));

export const matrixAsText = (rows) => {
  const lines = linesOf(rows);
  const widths = lines[0].map((_, at) => Math.max(...lines.map((cells) => cells[at].length)));
  const shown = lines.map((cells) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  '),
  );
  return [...shown, ...notesOf(rows)].join('\n');
};

export const matrixAsMarkdown = (rows) => {
  const [head, ...body] = linesOf(rows);
  const joined = (cells) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, at) => (at === 0 ? '---' : '--:'));
  const table = [head, rule, ...body].map(joined).join('\n');
  const notes = notesOf(rows).map((note) => `- ${note}`);
  return notes.length === 0 ? table : `${table}\n\n${notes.join('\n')}`;
};

const WIDTH = 860;
const LEFT = 300;
const TOP = 60;
const LINE = 17;

/** An SVG of it: undefined where nothing was measured. What is contained is a filled square, everything else says how many are left. */
export const matrixPlot = ({ title, rows }) => {
  if (rows.every(({ contained }) => contained === null)) return undefined;
  const [peers, scores, ...cells] = linesOf(rows);
  const step = (WIDTH - LEFT - 12) / (peers.length - 1);
  const x = (at) => LEFT + (at - 0.5) * step;
  const colourOf = (at) => (peers[at].startsWith('ours') ? OURS : GREY);
  const heads = peers.flatMap((peer, at) =>
    at === 0
      ? []
      : [
          text(x(at), TOP - 14, peer, { size: 9, anchor: 'middle', colour: colourOf(at) }),
          text(x(at), TOP + 4, scores[at], { anchor: 'middle', colour: colourOf(at), bold: true }),
        ],
  );
  const body = cells.flatMap(([name, ...found], row) => {
    const y = TOP + (row + 1.5) * LINE;
    return [
      line(12, y - 12, WIDTH - 12, y - 12, FAINT),
      text(12, y, name, { size: 11 }),
      ...found.map((cell, at) =>
        cell === CONTAINED
          ? `<rect x="${(x(at + 1) - 5).toFixed(1)}" y="${(y - 9).toFixed(1)}" width="10" height="10" fill="${colourOf(at + 1)}"/>`
          : text(x(at + 1), y, cell, { size: 11, anchor: 'middle', colour: INK }),
      ),
    ];
  });
  return drawing({
    label: title,
    title: `${title} (filled: nobody left; a number: how many are left)`,
    width: WIDTH,
    height: TOP + (cells.length + 1) * LINE + 16,
    drawn: [text(12, TOP + 4, scores[0], { bold: true }), ...heads, ...body],
  });
};
