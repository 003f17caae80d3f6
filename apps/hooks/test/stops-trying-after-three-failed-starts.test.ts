import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectoryAt } from '@cm/worker/contract';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { consultBreaker, isRunning, readAttempt, rememberAttempt } from '../src/spawn-attempt.js';

const attempt = (ageMs: number, failures: number) => ({ atMs: 1_000_000 - ageMs, pid: 99, startToken: '1', failures });
const consult = (ageMs: number, failures: number, lives = false) =>
  consultBreaker(attempt(ageMs, failures), 1_000_000, lives);

describe('the breaker', () => {
  test('lets the first through', () => {
    expect(consultBreaker(undefined, 0, false)).toEqual({ status: 'closed', failures: 0 });
  });

  test('counts attempts that left no worker, and opens at the third', () => {
    expect(consult(0, 0)).toEqual({ status: 'closed', failures: 1 });
    expect(consult(59_999, 1)).toEqual({ status: 'closed', failures: 2 });
    expect(consult(59_999, 2)).toEqual({ status: 'open' });
  });

  test('lets one through a minute later, and opens again when that one fails too', () => {
    expect(consult(60_000, 2)).toEqual({ status: 'closed', failures: 3 });
    expect(consult(0, 3)).toEqual({ status: 'open' });
    expect(consult(60_000, 3)).toEqual({ status: 'closed', failures: 4 });
  });

  test('forgets a failure that stayed alone for a minute, and all of them when the clock was set back', () => {
    expect(consult(60_000, 1)).toEqual({ status: 'closed', failures: 0 });
    expect(consult(-1, 2)).toEqual({ status: 'closed', failures: 0 });
  });

  test('leaves one that still boots alone, but not for ever', () => {
    expect(consult(29_999, 2, true)).toEqual({ status: 'booting' });
    expect(consult(30_000, 1, true)).toEqual({ status: 'closed', failures: 2 });
  });
});

describe('what is remembered of an attempt', () => {
  test('comes back, with the identity of its process', async () => {
    await using directory = await temporaryDirectory();
    mkdirSync(join(directory.path, 'spool'));
    const dataDirectory = dataDirectoryAt(directory.path);
    expect(readAttempt(dataDirectory)).toBeUndefined();
    rememberAttempt(dataDirectory, { pid: process.pid, atMs: 5, failures: 1 });
    const read = readAttempt(dataDirectory);
    expect(read).toMatchObject({ pid: process.pid, atMs: 5, failures: 1, startToken: expect.stringMatching(/^\d+$/) });
    expect(read !== undefined && isRunning(read)).toBe(true);
    // A later holder of the same pid is not the one that was started.
    expect(read !== undefined && isRunning({ ...read, startToken: '1' })).toBe(false);
  });

  test('one that could not even start runs nowhere', () => {
    expect(isRunning({ atMs: 0, pid: 0, startToken: '', failures: 0 })).toBe(false);
    expect(isRunning({ atMs: 0, pid: 2 ** 31 - 1, startToken: '', failures: 0 })).toBe(false);
  });

  test.each(['', 'null', '[]', '{}', '{"atMs":"x"}', '{"atMs":-5,"pid":1,"failures":0}', 'nonsense'])(
    '%j is no attempt',
    async (text) => {
      await using directory = await temporaryDirectory();
      mkdirSync(join(directory.path, 'spool'));
      const dataDirectory = dataDirectoryAt(directory.path);
      writeFileSync(dataDirectory.spawnAttempt, text);
      expect(readAttempt(dataDirectory)).toBeUndefined();
    },
  );
});
