import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { startDrivers } from '../lib/drivers.mjs';
import { atMost, rowOf, worst } from '../lib/goals.mjs';
import { markedEnvironment } from '../lib/mark.mjs';
import { joining } from '../lib/observer.mjs';
import { pids } from '../lib/proc.mjs';
import { runRounds } from '../lib/rounds.mjs';
import { rowsOf } from '../lib/rows.mjs';
import { isUp, workload } from '../lib/workload.mjs';

export const id = 'B4';
export const title = 'List all processes, and find those below one';
export const budgetMs = { quick: 8_000, full: 120_000 };
export const plot = { figure: 'list', scale: 'log' };

const SIZES = { quick: [100, 700], full: [100, 700, 3000] };
const NAIVE = 'naive /proc scan';
const NPM = ['ps-list', 'pidtree', 'systeminformation'];
const PEERS = ['ours', NAIVE, 'ps -A', ...NPM];
const FIGURES = ['list', 'descend'];

/** So many more processes that there are `total`, under one leader. */
const fill = async (observer, total, signal) => {
  const { args, ...expected } = workload({
    shape: 'wide',
    size: Math.max(10, total - pids().length - 1),
    ignoring: false,
  });
  const [file, fileArgs] = joining(observer.place().work, '/bin/sh', args);
  const leader = spawn(file, fileArgs, { detached: true, stdio: 'ignore', env: markedEnvironment() });
  await once(leader, 'spawn');
  for (;;) {
    signal.throwIfAborted();
    const found = observer.find([leader.pid]);
    if (isUp(found.processes, expected)) return { leader, size: expected.sleeps, found };
    await pause(20);
  }
};

/** With a process that nobody can know from before. */
const withCanary = async (look) => {
  const canary = spawn('sleep', ['60'], { stdio: 'ignore', env: markedEnvironment() });
  await once(canary, 'spawn');
  try {
    return await look(canary.pid);
  } finally {
    const ended = once(canary, 'exit');
    canary.kill('SIGKILL');
    await ended;
  }
};

export const run = async ({ mode, budgetMs: budget, observer, signal, say }) => {
  const { usable, skipped, close } = await startDrivers({ module: 'list', peers: PEERS, observer });
  const rows = [];
  const names = [];
  try {
    for (const total of SIZES[mode]) {
      const name = `${total} processes`;
      names.push(name);
      say(name);
      const { leader, size, found } = await fill(observer, total, signal);
      for (const driver of usable.values()) await driver.call('know', { root: leader.pid });
      const sampleOf = async (peer) => {
        const driver = usable.get(peer);
        await driver.call('settle');
        const list = await withCanary((canary) => driver.call('timed:list').then((one) => ({ ...one, canary })));
        // An answer from an earlier look is quick, and no listing.
        if (!list.value.includes(list.canary)) return { failed: 'did not see a process started just before' };
        await driver.call('settle');
        const descend = await driver.call('timed:descend', { root: leader.pid });
        const found = descend.value.length;
        return found < size ? { failed: `found ${found} of ${size} below` } : { list: list.ms, descend: descend.ms };
      };
      const peers = [...usable.keys()];
      for (const peer of peers) await usable.get(peer).call('list');
      const samples = await runRounds({
        peers,
        fewest: 3,
        most: mode === 'quick' ? 20 : 50,
        budgetMs: budget / SIZES[mode].length,
        signal,
        sample: sampleOf,
      });
      for (const figure of FIGURES) {
        const figures = { [figure]: (sample) => sample[figure] };
        rows.push(...rowsOf({ name, figures, baseline: NAIVE, peers: PEERS, samples, skipped }));
      }
      observer.end(found);
      if (leader.exitCode === null && leader.signalCode === null) await once(leader, 'exit');
    }
  } finally {
    await close();
  }
  const all = names.flatMap((name) => FIGURES.map((figure) => ({ case: name, figure })));
  const median = (where, peer) => rowOf(rows, { ...where, peer })?.medianMs ?? null;
  const toBest = all.map((where) => {
    const best = NPM.map((peer) => median(where, peer)).filter((value) => value !== null);
    return median(where, 'ours') === null || best.length === 0 ? null : median(where, 'ours') / Math.min(...best);
  });
  const toNaive = all.map((where) => rowOf(rows, { ...where, peer: 'ours' })?.ratio ?? null);
  return {
    rows,
    baseline: NAIVE,
    goals: [
      atMost('at most a quarter of the best npm peer, in every case', worst(toBest), 0.25),
      atMost('at most the naive /proc scan, in every case (1 is equal)', worst(toNaive), 1),
    ],
    notes: [
      'The processes are sleeping ones under one leader, beside those of the machine; the leader is whose descendants are wanted.',
      'Every listing has to show a process that was started just before it.',
      'systeminformation answers for 500 ms with the result of its last call; its calls are 600 ms apart, so that it has to look.',
    ],
  };
};
