import { startDrivers } from '../lib/drivers.mjs';
import { atMost, rowOf, worst } from '../lib/goals.mjs';
import { measureStop } from '../lib/measure-stop.mjs';
import { runRounds } from '../lib/rounds.mjs';
import { rowsOf } from '../lib/rows.mjs';
import { single } from '../lib/workload.mjs';

export const id = 'B9';
export const title = 'Stop twenty children, some of which ignore SIGTERM';
export const budgetMs = { quick: 8_000, full: 120_000 };
export const plot = { figure: 'beyond the grace', scale: 'linear' };

const CHILDREN = 20;
const GRACE_MS = 500;
const IGNORING = [0, 1, 5];
const BASELINE = 'execa';
const OURS = ['ours (cgroup)', 'ours (group)'];
const PEERS = [BASELINE, ...OURS];
const BEYOND = 'beyond the grace';

const allUp = (processes) => processes.length === CHILDREN && processes.every(({ command }) => command === 'sleep');

export const run = async ({ mode, budgetMs: budget, observer, signal, say }) => {
  const { usable, skipped, close } = await startDrivers({ module: 'stop-many', peers: PEERS, observer });
  const once = (peer, ignoring) => {
    const all = Array.from({ length: CHILDREN }, (_, at) => single({ ignoring: at < ignoring }));
    const begin = { all, graceMs: GRACE_MS };
    return measureStop({ driver: usable.get(peer), observer, begin, isUp: allUp, signal });
  };
  const rows = [];
  const names = [];
  try {
    for (const peer of usable.keys()) await once(peer, 0);
    for (const ignoring of IGNORING) {
      const name = `${ignoring} of ${CHILDREN} ignore SIGTERM`;
      names.push(name);
      say(name);
      const samples = await runRounds({
        peers: [...usable.keys()],
        fewest: 3,
        most: mode === 'quick' ? 8 : 40,
        budgetMs: budget / IGNORING.length,
        signal,
        sample: (peer) => once(peer, ignoring),
      });
      // Nobody has to wait for a grace that nobody needs.
      const grace = ignoring === 0 ? 0 : GRACE_MS;
      const figures = {
        [BEYOND]: ({ goneMs, returnedMs }) => Math.max(goneMs, returnedMs) - grace,
        'processor time of the caller': ({ cpuMs }) => cpuMs,
      };
      rows.push(...rowsOf({ name, figures, baseline: BASELINE, peers: PEERS, samples, skipped }));
    }
  } finally {
    await close();
  }
  const p95 = (peer) => worst(names.map((name) => rowOf(rows, { case: name, peer, figure: BEYOND })?.p95Ms ?? null));
  return {
    rows,
    baseline: BASELINE,
    goals: OURS.map((peer) =>
      atMost(`${peer}: at most 5 ms beyond the longest grace, p95, in every case`, p95(peer), 5),
    ),
    notes: [
      `The grace is ${GRACE_MS} ms (forceKillAfterDelay of execa). Beyond it: until the call has returned and all are gone, less the grace where somebody needs it.`,
    ],
  };
};
