import { setTimeout as pause } from 'node:timers/promises';
import { statOf } from './proc.mjs';

/** Waits until everyone that was started has become the `sleep` that it is to be: who they are then. */
export const untilSleeping = async (pids, signal) => {
  for (;;) {
    signal.throwIfAborted();
    const rows = pids.flatMap((pid) => statOf(pid) ?? []);
    if (rows.length === pids.length && rows.every(({ command }) => command === 'sleep')) return rows;
    await pause(5);
  }
};
