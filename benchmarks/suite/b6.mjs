import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cannotTakePids } from '../lib/decoys.mjs';
import { startDriver } from '../lib/drivers.mjs';
import { atMost, rowOf } from '../lib/goals.mjs';
import { temporaryDirectory } from '../lib/mark.mjs';
import { measureRecovery } from '../lib/measure-recovery.mjs';
import { nowMs } from '../lib/observer.mjs';
import { runRounds } from '../lib/rounds.mjs';
import { rowsOf } from '../lib/rows.mjs';
import { median, rounded } from '../lib/statistics.mjs';
import { rememberWorker, runVerb, startWorker } from '../lib/worker.mjs';

export const id = 'B6';
export const title = 'Recover: a successor ends what a killed supervisor has left, and nobody else';
export const budgetMs = { quick: 8_000, full: 180_000 };
/** Of processes that have ended: in a namespace where nobody else is. */
export const takesPids = true;
export const plot = { figure: 'last orphan gone', scale: 'log' };

const ORPHANS = 50;
const DECOYS = 50;
/** So many more were on record: they have ended meanwhile, and a decoy has the pid of each. */
const TAKEN = 10;
const ARGS = ['900'];
const OURS = ['ours (group)', 'ours (cgroup)'];
const BASELINE = 'pid list';
const PACKAGES = [...OURS, BASELINE, 'pm2 resurrect'];
/** The whole command, by its verb. */
const WHOLE = new Map([
  ['cm-worker recover --once', ['recover', '--once']],
  ['cm-worker start', ['start']],
]);
const PEERS = [...PACKAGES, ...WHOLE.keys()];

const ofPackage = async ({ peer, observer, count, ...rest }) => {
  const directory = mkdtempSync(join(temporaryDirectory(), 'recover-'));
  const [predecessor, successor] = await Promise.all(
    [1, 2].map(() => startDriver({ module: 'recover', peer, observer })),
  );
  try {
    if (successor.skipped !== undefined) return { failed: successor.skipped };
    const { pids, alsoKilled } = await predecessor.call('begin', { directory, args: ARGS, count });
    const die = [predecessor.pid, ...alsoKilled];
    const recover = () => successor.call('timed:recover', { directory });
    return await measureRecovery({ pids, die, recover, ...rest });
  } finally {
    await Promise.all([predecessor.close(), successor.close()]);
    rmSync(directory, { recursive: true, force: true });
  }
};

const ofCommand = async ({ peer, count, ...rest }) => {
  const worker = await startWorker({ containment: 'auto' });
  const { dataDirectory, guardianPid } = worker;
  const recover = async () => {
    const startMs = nowMs();
    await runVerb(dataDirectory, ...WHOLE.get(peer));
    return { startMs, endMs: nowMs() };
  };
  try {
    const pids = await worker.startChildren(count, ARGS);
    // The guardian first: it would have everything ended before anybody else can.
    const die = [...(guardianPid === undefined ? [] : [guardianPid]), worker.pid];
    return await measureRecovery({ pids, die, recover, ...rest });
  } finally {
    await rememberWorker(dataDirectory);
    await runVerb(dataDirectory, 'stop').catch(() => {});
    await worker.end();
  }
};

const LAPS = ['openProcessRegistry', 'recover', 'runShutdownCascade', 'unregister, close'];

/** Where the time of ours goes. */
const lapFacts = (samples) => ({
  title: 'What ours spends it on, ms, medians',
  lines: OURS.map((peer) => {
    const laps = (samples.get(peer) ?? []).flatMap((sample) => (sample.laps === undefined ? [] : [sample.laps]));
    return {
      peer,
      ...Object.fromEntries(LAPS.map((name, at) => [name, rounded(median(laps.map((all) => all[at])))])),
    };
  }),
});

const most = (samples, pick) => {
  const values = (samples ?? []).flatMap((sample) => pick(sample) ?? []);
  return values.length === 0 ? null : Math.max(...values);
};

export const run = async ({ mode, budgetMs: budget, observer, signal, say }) => {
  const cannot = cannotTakePids();
  const taken = cannot === undefined ? TAKEN : 0;
  if (cannot !== undefined) say(`skipped: pids that have been handed out again: ${cannot}`);
  const name =
    taken === 0
      ? `${ORPHANS} orphans, ${DECOYS} decoys`
      : `${ORPHANS} orphans, ${DECOYS} decoys, ${taken} of them under pids on record`;
  say(name);
  const shared = { observer, args: ARGS, count: ORPHANS + taken, taken, decoys: DECOYS, signal };
  const packages = await runRounds({
    peers: PACKAGES,
    fewest: 3,
    most: mode === 'quick' ? 5 : 30,
    budgetMs: budget / 2,
    signal,
    sample: (peer) => ofPackage({ peer, ...shared }),
  });
  // Information, and slow to set up.
  const whole = await runRounds({
    peers: [...WHOLE.keys()],
    fewest: mode === 'quick' ? 1 : 3,
    most: mode === 'quick' ? 3 : 30,
    budgetMs: budget / 2,
    signal,
    sample: (peer) => ofCommand({ peer, ...shared }),
  });
  const samples = new Map([...packages, ...whole]);
  const figures = { [plot.figure]: ({ goneMs }) => goneMs, 'call returned': ({ returnedMs }) => returnedMs };
  const rows = rowsOf({ name, figures, baseline: BASELINE, peers: PEERS, samples });
  const [missed, hurt] = [({ missed }) => missed, ({ hurt }) => hurt];
  const facts = {
    title: `Of ${ORPHANS} orphans and ${DECOYS} decoys, in the worst round`,
    lines: PEERS.map((peer) => {
      const found = samples.get(peer);
      const rounds = found.filter((sample) => sample.missed !== undefined).length;
      return { peer, rounds, missed: most(found, missed), hurt: most(found, hurt) };
    }),
  };
  const slowest = (peer) => {
    const [gone, returned] = Object.keys(figures).map((figure) => rowOf(rows, { case: name, peer, figure })?.medianMs);
    return gone === null || gone === undefined ? null : Math.max(gone, returned);
  };
  return {
    rows,
    baseline: BASELINE,
    facts: [facts, lapFacts(samples)],
    goals: OURS.flatMap((peer) => [
      atMost(`${peer}: orphans missed, in all rounds`, most(samples.get(peer), missed), 0),
      atMost(`${peer}: decoys hurt, in all rounds`, most(samples.get(peer), hurt), 0),
      atMost(
        `${peer}: at most 300 ms until the last orphan is gone and the call has returned, median`,
        slowest(peer),
        300,
      ),
    ]),
    notes: [
      'The supervisor is killed by SIGKILL, and its guardian before it. Missed: alive a second after the recovery has returned. Hurt: a decoy that has ended, or that a signal has woken. Decoys have the arguments of the orphans and lead groups of their own; every second one carries a cookie of somebody else.',
      taken === 0
        ? `No pid was handed out again: ${cannot}.`
        : `${ORPHANS + taken} were on record. ${taken} of them ended before the successor began, and decoys have their pids, which are the numbers of their groups too.`,
      'ours: openProcessRegistry, recover and runShutdownCascade, called for the first time in a process that runs already. cm-worker: the whole command, from its start, in the strongest tier; the claim of the worker that was killed has to be found void first. Shown as information.',
      'pid list: kill(pid, 0), SIGTERM, a look every 100 ms, SIGKILL after 5 s; no start token, as claude-mem stops what supervisor.json names. pm2 starts what its dump names, beside what still runs.',
    ],
  };
};
