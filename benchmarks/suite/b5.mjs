import { startDriver } from '../lib/drivers.mjs';
import { atMost, rowOf } from '../lib/goals.mjs';
import { goneByState, nowMs, watchUntil } from '../lib/observer.mjs';
import { isAlive } from '../lib/proc.mjs';
import { runRounds } from '../lib/rounds.mjs';
import { rowsOf } from '../lib/rows.mjs';
import { untilSleeping } from '../lib/until-sleeping.mjs';
import { startWorker } from '../lib/worker.mjs';

export const id = 'B5';
export const title = 'SIGKILL the worker: until its last child is dead';
export const budgetMs = { quick: 12_000, full: 120_000 };
export const plot = { figure: 'last child dead', scale: 'log' };

const CHILDREN = 10;
const PATIENCE_MS = 1500;
/** By the containment that the worker is started with. */
const OURS = new Map([
  ['ours (cgroup)', 'cgroup'],
  ['ours (group)', 'group'],
]);
const BASELINE = 'setpriv --pdeathsig';
const PEERS = [BASELINE, 'foreground-child', ...OURS.keys()];

/** Kills a parent and looks at the states of its children. */
const killAndWatch = async (parent, leaders, signal) => {
  const processes = await untilSleeping(leaders, signal);
  const startMs = nowMs();
  process.kill(parent, 'SIGKILL');
  const patience = () => nowMs() - startMs > PATIENCE_MS;
  const { atMs, left } = await watchUntil(goneByState(processes), patience, signal);
  const alive = processes.filter(isAlive);
  for (const { pid } of alive) process.kill(pid, 'SIGKILL');
  return left
    ? { failed: `${alive.length} of ${processes.length} alive after ${PATIENCE_MS} ms` }
    : { ms: atMs - startMs };
};

const ofWorker = async (containment, signal) => {
  const worker = await startWorker({ containment });
  try {
    if (worker.guardian !== 'running')
      return { failed: `skipped: the doctor says that its guardian is ${worker.guardian}` };
    const leaders = await worker.startChildren(CHILDREN);
    return await killAndWatch(worker.pid, leaders, signal);
  } finally {
    await worker.end();
  }
};

const ofPeer = async (peer, observer, signal) => {
  const driver = await startDriver({ module: 'parent', peer, observer });
  try {
    const { leaders } = await driver.call('begin', { count: CHILDREN });
    return await killAndWatch(driver.pid, leaders, signal);
  } finally {
    await driver.close();
  }
};

export const run = async ({ mode, budgetMs: budget, observer, signal, say }) => {
  say(`${CHILDREN} children`);
  const samples = await runRounds({
    peers: PEERS,
    fewest: 3,
    most: mode === 'quick' ? 6 : 60,
    budgetMs: budget,
    signal,
    sample: (peer) => (OURS.has(peer) ? ofWorker(OURS.get(peer), signal) : ofPeer(peer, observer, signal)),
  });
  const name = `${CHILDREN} children`;
  const rows = rowsOf({
    name,
    figures: { 'last child dead': ({ ms }) => ms },
    baseline: BASELINE,
    peers: PEERS,
    samples,
  });
  const goals = [...OURS.keys()].map((peer) =>
    atMost(`${peer}: at most 20 ms to the death of the last child, p99`, rowOf(rows, { case: name, peer })?.p99Ms, 20),
  );
  return {
    rows,
    baseline: BASELINE,
    goals,
    notes: [
      'foreground-child has one child, as it is made for. The states in /proc are the verdict here, whoever else observes.',
      'With fewer than a hundred rounds p99 is the maximum.',
    ],
  };
};
