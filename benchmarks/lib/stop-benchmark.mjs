import { startDrivers } from './drivers.mjs';
import { atMost, rowOf, worst } from './goals.mjs';
import { measureStop } from './measure-stop.mjs';
import { runRounds } from './rounds.mjs';
import { rowsOf } from './rows.mjs';
import { isUp, workload } from './workload.mjs';

const BASELINE = 'kill(-pgid)';
const PASS = 'one pass over /proc';
const PEERS = [
  BASELINE,
  'ours (cgroup)',
  'ours (group)',
  'tree-kill',
  'pidtree + kill',
  'pidtree + fkill',
  'pm2',
  PASS,
];
/** pm2 starts its workload through its daemon, which is slow, and has one way to stop it. */
const suitsPm2 = ({ size, ignoring }) => size <= 50 && !ignoring;
const GONE = 'all gone';
const PASSED = 'one pass';

const goalsOf = (rows, names) => {
  const of = (name, peer, figure = GONE) => rowOf(rows, { case: name, peer, figure })?.medianMs ?? null;
  const cgroup = names.map((name) => rowOf(rows, { case: name, peer: 'ours (cgroup)', figure: GONE })?.ratio ?? null);
  const scan = names.map((name) => {
    const [group, kill, pass] = [of(name, 'ours (group)'), of(name, BASELINE), of(name, PASS, PASSED)];
    return group === null || kill === null || pass === null ? null : group / (kill + 3 * pass);
  });
  return [
    atMost('cgroup tier: at most 1.3 times kill(-pgid), in every case', worst(cgroup), 1.3),
    atMost('group tier: at most kill(-pgid) and three passes over /proc, in every case (1 is equal)', worst(scan), 1),
  ];
};

const NOTE_OF_PM2 =
  'pm2 takes part where it is cheap: up to 50 processes that obey SIGTERM. It looks every 100 ms whether they are gone.';

/** Stopping one leader and everything below it, in one shape and several sizes. */
export const stopBenchmark =
  ({ shape, sizes }) =>
  async ({ mode, budgetMs, observer, signal, say }) => {
    const cases = sizes[mode].flatMap((size) =>
      [false, true].map((ignoring) => ({
        size,
        ignoring,
        name: `${shape} ${size}, ${ignoring ? 'SIGTERM ignored: KILL' : 'SIGTERM obeyed'}`,
      })),
    );
    const { usable, skipped, close } = await startDrivers({ module: 'stop', peers: PEERS, observer });
    const once = (peer, { size, ignoring }) => {
      const { args, ...expected } = workload({ shape, size, ignoring });
      const driver = usable.get(peer);
      const ready = (processes) => isUp(processes, expected);
      return measureStop({ driver, observer, begin: { args }, stop: { force: ignoring }, isUp: ready, signal });
    };
    try {
      // The first call of each peer loads and compiles what it needs; that is no part of a stop.
      for (const peer of usable.keys()) await once(peer, { size: sizes[mode][0], ignoring: false });
      const rows = [];
      for (const one of cases) {
        say(one.name);
        const peers = [...usable.keys()].filter((peer) => peer !== 'pm2' || suitsPm2(one));
        const samples = await runRounds({
          peers,
          fewest: 3,
          most: mode === 'quick' ? 15 : 30,
          budgetMs: budgetMs / cases.length,
          signal,
          sample: (peer) => once(peer, one),
        });
        const figures = {
          [GONE]: ({ goneMs }, peer) => (peer === PASS ? undefined : goneMs),
          'call returned': ({ returnedMs }, peer) => (peer === PASS ? undefined : returnedMs),
          [PASSED]: ({ passMs }) => passMs,
        };
        const shared = { name: one.name, baseline: BASELINE, peers: PEERS, samples };
        for (const [figure, pick] of Object.entries(figures)) {
          const without = figure === GONE ? skipped : new Map();
          rows.push(...rowsOf({ ...shared, figures: { [figure]: pick }, skipped: without }));
        }
      }
      return {
        rows,
        baseline: BASELINE,
        goals: goalsOf(
          rows,
          cases.map(({ name }) => name),
        ),
        notes: [NOTE_OF_PM2],
      };
    } finally {
      await close();
    }
  };
