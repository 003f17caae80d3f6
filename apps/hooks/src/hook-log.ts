import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { HOOK_LOG_LIMIT_BYTES } from './budgets.js';
import { hasCode } from './error-text.js';

/**
 * - `dropped`: an event was not spooled, because the spool is full or could not be written.
 * - `lost`: a payload was not usable and no event could be made of it.
 * - `broken`: a payload was not whole; what there was of it is in the spool.
 * - `usage`: the hook was called without an event.
 * - `worker`: no worker was ready, or none could be started.
 */
export type HookNoteCode = 'dropped' | 'lost' | 'broken' | 'usage' | 'worker';

export interface HookNote {
  readonly at: Date;
  readonly code: HookNoteCode;
  readonly event: string;
  readonly detail: string;
}

const DETAIL_LIMIT = 500;
const APPEND = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const open = (path: string): number => {
  try {
    return openSync(path, APPEND, 0o600);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    mkdirSync(dirname(path), { mode: 0o700 });
    return openSync(path, APPEND, 0o600);
  }
};

const keepYoungerHalf = (path: string, descriptor: number, size: number): void => {
  const half = Buffer.allocUnsafe(HOOK_LOG_LIMIT_BYTES / 2);
  const read = readSync(descriptor, half, 0, half.length, size - half.length);
  const tail = half.subarray(0, read);
  const temporary = `${path}.${process.pid}`;
  const copy = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(copy, tail.subarray(tail.indexOf(0x0a) + 1));
  } finally {
    closeSync(copy);
  }
  renameSync(temporary, path);
};

/**
 * Appends one line of JSON to the log of the hooks, which is all they may ever say. Bounded by cutting to its younger half; a
 * line of a hook that writes at that moment may go with it. Never throws.
 */
export const noteInHookLog = (path: string, { at, code, event, detail }: HookNote): void => {
  try {
    const note = { at: at.toISOString(), code, event: event.slice(0, 100), detail: detail.slice(0, DETAIL_LIMIT) };
    const line = `${JSON.stringify(note)}\n`;
    const descriptor = open(path);
    try {
      writeSync(descriptor, line);
      const { size } = fstatSync(descriptor);
      if (size > HOOK_LOG_LIMIT_BYTES) keepYoungerHalf(path, descriptor, size);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // There is nowhere left to say it.
  }
};
