import { setTimeout as pause } from 'node:timers/promises';
import { endDecoys, startDecoys, takePids, watchDecoys } from './decoys.mjs';
import { goneByState, nowMs, watchUntil } from './observer.mjs';
import { isAlive, statOf } from './proc.mjs';
import { untilSleeping } from './until-sleeping.mjs';

/** Once the recovery has returned, those who have not ended by now are those that were missed. */
const AFTER_RETURN_MS = 1000;
const REAPED_MS = 5000;

const kill = (pid) => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
};

/** Ends processes that are on record, and waits until their pids are free. */
const bury = async (processes) => {
  for (const { pid } of processes) kill(pid);
  for (const endsAt = nowMs() + REAPED_MS; processes.some(({ pid }) => statOf(pid) !== undefined); await pause(5)) {
    if (nowMs() > endsAt) throw new Error('a process that has ended is not waited for');
  }
};

/**
 * One recovery: whoever has `pids` on record is killed by `die`, the last `taken` of them end and their pids go to decoys, more decoys are
 * started, and a successor recovers. `recover` resolves with the moments at which it began and ended, or rejects.
 */
export const measureRecovery = async ({ pids, die, args, taken, decoys: count, recover, signal }) => {
  const all = await untilSleeping(pids, signal);
  const [orphans, doomed] = [all.slice(0, all.length - taken), all.slice(all.length - taken)];
  const decoys = [];
  try {
    for (const pid of die) kill(pid);
    await bury(doomed);
    decoys.push(
      ...(await takePids(
        doomed.map(({ pid }) => pid),
        args,
      )),
      ...(await startDecoys(args, count - taken)),
    );
    const countHurt = await watchDecoys(decoys);
    const isBorn = orphans.every(isAlive);
    if (!isBorn) throw new Error('an orphan ended before anybody recovered');

    let answer;
    const recovering = recover().then(
      (value) => {
        answer = { ...value, answeredAt: nowMs() };
      },
      (error) => {
        answer = { failed: error.message, answeredAt: nowMs() };
      },
    );
    const patience = () => answer !== undefined && nowMs() - answer.answeredAt > AFTER_RETURN_MS;
    const { atMs, left } = await watchUntil(goneByState(orphans), patience, signal);
    await recovering;
    const { failed, startMs, endMs, value } = answer;
    const [missed, hurt] = [orphans.filter(isAlive).length, countHurt()];
    if (failed !== undefined) return { missed, hurt, failed };
    if (left)
      return { missed, hurt, failed: `${missed} of ${orphans.length} orphans alive a second after it returned` };
    return { missed, hurt, goneMs: Math.max(0, atMs - startMs), returnedMs: endMs - startMs, ...value };
  } finally {
    await endDecoys(decoys);
    for (const { pid } of orphans.filter(isAlive)) kill(pid);
  }
};
