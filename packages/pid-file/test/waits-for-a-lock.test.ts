import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { acquireLock, waitForLock } from '../src/lock.js';
import { lockOf } from './support.js';

test('whoever waits has it as soon as it is released', async () => {
  await using directory = await temporaryDirectory();
  const first = lockOf(await acquireLock(directory.path, 'spawn'));
  const waiting = waitForLock(directory.path, 'spawn', { deadlineMs: 10_000 });
  await first.release();
  await lockOf(await waiting).release();
});

test('held at the deadline, and not before', async () => {
  await using directory = await temporaryDirectory();
  await using _first = lockOf(await acquireLock(directory.path, 'spawn'));
  const startedAt = performance.now();
  expect(await waitForLock(directory.path, 'spawn', { deadlineMs: 60 })).toEqual({ status: 'held' });
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(60);
});

test('an abort ends the wait, before it began and during it', async () => {
  await using directory = await temporaryDirectory();
  await using _first = lockOf(await acquireLock(directory.path, 'spawn'));
  const abort = new AbortController();
  const waiting = waitForLock(directory.path, 'spawn', { deadlineMs: 20_000, signal: abort.signal });
  abort.abort();
  expect(await waiting).toMatchObject({ status: 'failed', code: 'aborted' });
  const late = waitForLock(directory.path, 'other', { deadlineMs: 20_000, signal: abort.signal });
  expect(await late).toMatchObject({ status: 'failed', code: 'aborted' });
});
