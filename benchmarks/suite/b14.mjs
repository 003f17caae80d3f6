import { startDrivers } from '../lib/drivers.mjs';
import { atMost } from '../lib/goals.mjs';
import { runRounds } from '../lib/rounds.mjs';
import { rowsOf } from '../lib/rows.mjs';
import { median, percentile } from '../lib/statistics.mjs';

export const id = 'B14';
export const title = 'Start one contained child';
export const budgetMs = { quick: 8_000, full: 40_000 };
export const plot = { figure: 'a further child of a scope', scale: 'linear' };

const BASELINE = 'child_process.spawn';
const OURS = ['ours (cgroup)', 'ours (group)'];
const PEERS = [BASELINE, 'execa', ...OURS];

/** What each further start took beyond the usual one of Node itself. */
const added = (samples, peer, share) => {
  const usual = median((samples.get(BASELINE) ?? []).map(({ further }) => further));
  const own = (samples.get(peer) ?? []).map(({ further }) => further);
  return usual === null || own.length === 0 ? null : percentile(own, share) - usual;
};

export const run = async ({ mode, budgetMs: budget, observer, signal, say }) => {
  const { usable, skipped, close } = await startDrivers({ module: 'spawn', peers: PEERS, observer });
  const sample = async (peer) => {
    const driver = usable.get(peer);
    const first = await driver.call('timed:spawn');
    const further = await driver.call('timed:spawn');
    await driver.call('end');
    return { first: first.ms, further: further.ms };
  };
  try {
    for (const peer of usable.keys()) for (let warm = 0; warm < 3; warm += 1) await sample(peer);
    const rounds = mode === 'quick' ? 40 : 200;
    say(`${rounds} rounds`);
    const samples = await runRounds({
      peers: [...usable.keys()],
      fewest: rounds,
      most: rounds,
      budgetMs: budget,
      signal,
      sample,
    });
    const figures = {
      'a further child of a scope': ({ further }) => further,
      'the first child of a new scope': ({ first }) => first,
    };
    const goals = OURS.flatMap((peer) => [
      atMost(`${peer}: at most 1.5 ms over child_process.spawn, median`, added(samples, peer, 0.5), 1.5),
      atMost(`${peer}: at most 1.5 ms over the median of child_process.spawn, p99`, added(samples, peer, 0.99), 1.5),
    ]);
    return {
      rows: rowsOf({ name: 'sleep 60', figures, baseline: BASELINE, peers: PEERS, samples, skipped }),
      baseline: BASELINE,
      goals,
      notes: [
        'Until spawn of a scope resolves; with the others until the event `spawn`. To them both children are the same.',
        'The first child includes createScope, which tries out what contains here; a program can do that once and hand it to every scope. The goals are about each further one.',
      ],
    };
  } finally {
    await close();
  }
};
