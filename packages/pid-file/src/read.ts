import { lookAtPidFile } from './look-at-pid-file.js';
import type { PidRecord } from './pid-record.js';

export { peek } from './peek.js';
export type { PidRecord };

export type PidFileReading =
  | { readonly status: 'missing' }
  | { readonly status: 'invalid'; readonly reason: string }
  | { readonly status: 'found'; readonly record: PidRecord };

/**
 * Reads a PID file: one open, one fstat, one read. Never throws, and never hangs on a FIFO. Only a regular file of this
 * user, which nobody else may write to, of at most 64 kB and with a whole record in it, is `found`.
 */
export const readPidFile = (path: string): PidFileReading => {
  const look = lookAtPidFile(path);
  return look.status === 'invalid' ? { status: 'invalid', reason: look.reason } : look;
};
