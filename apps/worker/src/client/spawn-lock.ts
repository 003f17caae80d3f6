import { acquireLock } from '@cm/pid-file/lock';
import type { DataDirectory } from '../contract/index.js';

export type Locked<T> =
  | { readonly status: 'done'; readonly value: T }
  /** Another starter is at it. */
  | { readonly status: 'held' }
  /** The lock could not be tried: that is not a lock, and nothing was run. */
  | { readonly status: 'failed'; readonly reason: string };

/** Runs something under the lock of all starters of a data directory, or not at all. Does not wait for it. */
export const tryWithSpawnLock = async <T>(
  { path }: Pick<DataDirectory, 'path'>,
  run: () => T | Promise<T>,
): Promise<Locked<T>> => {
  const locked = await acquireLock(path, 'spawn');
  if (locked.status !== 'acquired') return locked;
  // Not `await using`: lowered for Node 20 it costs every hook 0.4 kB.
  try {
    return { status: 'done', value: await run() };
  } finally {
    await locked.lock.release();
  }
};
