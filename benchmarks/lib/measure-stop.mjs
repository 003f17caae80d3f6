import { setTimeout as pause } from 'node:timers/promises';
import { nowMs, watchUntil } from './observer.mjs';
import { isAlive, statOf } from './proc.mjs';

/** How long the workload may take to be up; a thousand forks take a second or two. */
const UP_MS = 20_000;
/** Once the call has returned, those who have not ended by now are those that were missed. */
const AFTER_RETURN_MS = 1000;

const untilUp = async (observer, leaders, isUp, signal) => {
  for (const endsAt = nowMs() + UP_MS; ; await pause(20)) {
    signal?.throwIfAborted();
    const found = observer.find(leaders);
    if (isUp(found.processes)) return found;
    if (nowMs() > endsAt) throw new Error(`the workload is not up: ${found.processes.length} processes`);
  }
};

/** Whoever has ended is waited for by its parent, or by PID 1 in its own time: the next sample shall not see them. */
const untilReaped = async (processes) => {
  for (
    const endsAt = nowMs() + 2000;
    nowMs() < endsAt && processes.some(({ pid, startTicks }) => statOf(pid)?.startTicks === startTicks);
  ) {
    await pause(5);
  }
};

/**
 * One stop: the driver starts the workload, the observer sees it up, the driver stops it, the observer sees it gone.
 * `goneMs` and `returnedMs` count from the moment of the call.
 */
export const measureStop = async ({ driver, observer, begin, stop = {}, isUp, signal }) => {
  const { leaders } = await driver.call('begin', begin);
  const found = await untilUp(observer, leaders, isUp, signal);
  let answer;
  let failure;
  const stopping = driver.call('timed:stop', stop).then(
    (value) => {
      answer = { ...value, answeredAt: nowMs() };
    },
    (error) => {
      failure = error;
    },
  );
  const isGone = observer.gone(found);
  const patience = () =>
    failure !== undefined || (answer !== undefined && nowMs() - answer.answeredAt > AFTER_RETURN_MS);
  const { atMs, left } = await watchUntil(isGone, patience, signal);
  await stopping;
  const missed = left ? found.processes.filter(isAlive).length : 0;
  observer.end(found);
  await driver.call('end');
  await untilReaped(found.processes);
  if (failure !== undefined) return { failed: failure.message };
  const { startMs, ms, cpuMs, value } = answer;
  if (left)
    return {
      failed: `${missed === 0 ? 'somebody new' : `${missed} of ${found.processes.length}`} still alive a second after the call returned`,
    };
  return { goneMs: Math.max(0, atMs - startMs), returnedMs: ms, cpuMs, ...value };
};
