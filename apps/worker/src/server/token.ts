import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { readToken } from '../client/call-worker.js';
import type { DataDirectory } from '../contract/index.js';

/**
 * The token of a data directory; created with O_EXCL, mode 0600, when there is none. A file that is not a private, complete token is
 * replaced: whoever wrote it may know it.
 */
export const ensureToken = (dataDirectory: DataDirectory): string => {
  const existing = readToken(dataDirectory);
  if (existing !== undefined) return existing;
  rmSync(dataDirectory.token, { force: true });
  const token = randomBytes(32).toString('hex');
  const descriptor = openSync(dataDirectory.token, 'wx', 0o600);
  try {
    writeSync(descriptor, token);
  } finally {
    closeSync(descriptor);
  }
  chmodSync(dataDirectory.token, 0o600);
  return readFileSync(dataDirectory.token, 'utf8');
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether two secrets are equal, in a time that says nothing about where or in what length they differ. */
export const sameSecret = (given: string, expected: string): boolean =>
  timingSafeEqual(digest(given), digest(expected));
