import type { SignalResult } from './process-table.js';

/** `process.kill`, or what a test puts in its place. Signal 0 asks whether a pid exists; a negative pid means a group (kill(2)). */
export type Kill = (pid: number, signal: NodeJS.Signals | 0) => void;

export const systemKill: Kill = (pid, signal) => void process.kill(pid, signal);

/** Neither this process nor its parent is ever signalled. */
export const ownPids = (): readonly number[] => [process.pid, process.ppid];

const errorCode = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

/** Sends one signal and says what the system answered. */
export const deliver = (kill: Kill, target: number, signal: NodeJS.Signals): SignalResult => {
  try {
    kill(target, signal);
    return { outcome: 'sent' };
  } catch (error) {
    return errorCode(error) === 'ESRCH'
      ? { outcome: 'gone' }
      : { outcome: 'refused', reason: errorCode(error) || String(error) };
  }
};

/** Whether the system knows a pid: also that of another user's process (EPERM), and that of a zombie. */
export const exists = (kill: Kill, pid: number): boolean => {
  try {
    kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
};
