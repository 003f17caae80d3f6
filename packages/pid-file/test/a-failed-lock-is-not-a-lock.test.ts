import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { Server } from 'node:net';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { acquireLock, waitForLock } from '../src/lock.js';

test('field failure 18: a directory that cannot hold a lock fails at once, also for who would wait', async () => {
  await using directory = await temporaryDirectory();
  writeFileSync(join(directory.path, 'file'), '');
  const missing = join(directory.path, 'missing');
  expect(await acquireLock(missing, 'claim')).toMatchObject({ status: 'failed', code: 'ENOENT' });
  expect(await acquireLock(join(directory.path, 'file'), 'claim')).toMatchObject({ status: 'failed', code: 'ENOTDIR' });
  const startedAt = performance.now();
  expect(await waitForLock(missing, 'claim', { deadlineMs: 20_000 })).toMatchObject({ code: 'ENOENT' });
  expect(performance.now() - startedAt).toBeLessThan(1000);
  expect(readdirSync(directory.path)).toEqual(['file']);
});

test('field failure 18: a kernel that refuses for another reason than a holder has not said "held"', async () => {
  await using directory = await temporaryDirectory();
  vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server) {
    process.nextTick(() => this.emit('error', Object.assign(new Error('refused'), { code: 'EPERM' })));
    return this;
  });
  const result = await acquireLock(directory.path, 'claim');
  expect(result).toEqual({ status: 'failed', code: 'EPERM', reason: 'the kernel refused the lock: EPERM' });
});

test('an unsupported platform fails by name', async () => {
  await using directory = await temporaryDirectory();
  const result = await acquireLock(directory.path, 'claim', { platform: 'win32' });
  expect(result).toMatchObject({ status: 'failed', code: 'unsupported-platform' });
  expect(readdirSync(directory.path)).toEqual([]);
});

test.each<[string, string, string, (path: string) => void]>([
  ['empty', 'invalid-key', 'it is empty', (path) => writeFileSync(path, '')],
  ['short', 'invalid-key', 'it does not hold 64 hexadecimal digits', (path) => writeFileSync(path, 'abc')],
  ['a link', 'invalid-key', 'it is a symbolic link', (path) => symlinkSync('/etc/hostname', path)],
  ['a dangling link', 'invalid-key', 'it is a symbolic link', (path) => symlinkSync('/nowhere/key', path)],
  ['a directory', 'EISDIR', 'it is a directory', (path) => mkdirSync(path)],
])('a key that is %s locks nothing', async (_, code, reason, place) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'lock.key');
  place(path);
  expect(await acquireLock(directory.path, 'claim')).toEqual({
    status: 'failed',
    code,
    reason: `${path} cannot be used: ${reason}`,
  });
});
