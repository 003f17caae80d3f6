import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { probe } from '@cm/health/client';
import type { PidRecord } from '@cm/pid-file/read';
import { type DataDirectory, type ErrorBody, type Route, routePath } from '../contract/index.js';

export interface CallOptions {
  readonly route: Route;
  readonly parameters?: Readonly<Record<string, string>>;
  /** With the question mark. */
  readonly query?: string;
  readonly body?: unknown;
  /** Default 10,000. Each class of request has its own. */
  readonly timeoutMs?: number;
}

export type CallResult =
  | { readonly ok: true; readonly code: number; readonly body: unknown }
  | { readonly ok: false; readonly code: number; readonly error: ErrorBody['error'] };

const TOKEN = /^[0-9a-f]{64}$/;

/**
 * The token of a data directory, or undefined where the file is not what the worker writes: 64 hexadecimal digits in a regular
 * file of this user that nobody else may read or write.
 */
export const readToken = (dataDirectory: DataDirectory): string | undefined => {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(dataDirectory.token, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(descriptor);
    const uid = process.getuid?.();
    if (!stats.isFile() || stats.size > 128 || (uid !== undefined && stats.uid !== uid)) return undefined;
    if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) return undefined;
    const token = readFileSync(descriptor, 'utf8').trim();
    return TOKEN.test(token) ? token : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
};

const errorOf = (code: number, body: unknown): ErrorBody['error'] => {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  if (typeof error === 'object' && error !== null && 'code' in error && 'message' in error) {
    const details = 'details' in error ? { details: error.details } : {};
    return { code: String(error.code), message: String(error.message), ...details };
  }
  return { code: 'UNEXPECTED_ANSWER', message: `the worker answered ${code} without an explanation` };
};

/** Calls a worker that a handshake has proven. Never throws for what it answers; code 0 stands for no answer. */
export const callWorker = async (
  record: PidRecord,
  token: string | undefined,
  { route, parameters, query = '', body, timeoutMs = 10_000 }: CallOptions,
): Promise<CallResult> => {
  if (token === undefined && !route.open) {
    return { ok: false, code: 0, error: { code: 'NO_TOKEN', message: 'the token file is missing or not private' } };
  }
  const answer = await probe({
    port: record.port,
    path: routePath(route.path, parameters) + query,
    method: route.method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body }),
    timeoutMs,
  });
  if (answer.status === 'timeout') {
    return { ok: false, code: 0, error: { code: 'TIMEOUT', message: `no answer within ${timeoutMs} ms` } };
  }
  if (answer.status !== 'answered') {
    return { ok: false, code: 0, error: { code: 'UNREACHABLE', message: answer.reason } };
  }
  return answer.code < 400
    ? { ok: true, code: answer.code, body: answer.body }
    : { ok: false, code: answer.code, error: errorOf(answer.code, answer.body) };
};
