import { type PidRecord, peek, readPidFile } from '@cm/pid-file/read';
import type { DataDirectory } from '../contract/index.js';
import { type Handshake, handshake } from './handshake.js';

export type WorkerSighting =
  | { readonly status: 'running'; readonly record: PidRecord; readonly readiness: string; readonly protocol: number }
  /** No worker: no usable PID file, or one whose process is gone. */
  | { readonly status: 'absent'; readonly reason: string; readonly record?: PidRecord }
  /** A live process is named, but it cannot be talked to. */
  | { readonly status: 'unreachable'; readonly reason: string; readonly record: PidRecord; readonly denied: boolean }
  /** The PID file was written on another machine or in another container. */
  | { readonly status: 'elsewhere'; readonly reason: string; readonly record: PidRecord };

const explain = (shake: Exclude<Handshake, { status: 'proven' }>, record: PidRecord): string =>
  `the worker (pid ${record.pid}, port ${record.port}) is not reachable: ${shake.reason}`;

/** Looks for the worker of a data directory: its PID file names it, the handshake proves it. Changes nothing. */
export const findWorker = async (dataDirectory: DataDirectory, timeoutMs = 1000): Promise<WorkerSighting> => {
  const reading = readPidFile(dataDirectory.pidFile);
  if (reading.status === 'missing') return { status: 'absent', reason: 'there is no PID file' };
  if (reading.status === 'invalid') return { status: 'absent', reason: `the PID file is unusable: ${reading.reason}` };
  const { record } = reading;
  const life = peek(record);
  if (life === 'dead') return { status: 'absent', reason: `its process (pid ${record.pid}) is gone`, record };
  const shake = await handshake(record, timeoutMs);
  if (shake.status === 'proven') {
    return { status: 'running', record, readiness: shake.readiness, protocol: shake.protocol };
  }
  // It may have ended between the two looks.
  if (peek(record) === 'dead') return { status: 'absent', reason: `its process (pid ${record.pid}) is gone`, record };
  if (life === 'unknown' && shake.status !== 'denied') {
    return { status: 'elsewhere', reason: 'in use from another machine or container', record };
  }
  return { status: 'unreachable', reason: explain(shake, record), record, denied: shake.status === 'denied' };
};
