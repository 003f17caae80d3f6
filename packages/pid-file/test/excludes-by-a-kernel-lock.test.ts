import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { acquireLock } from '../src/lock.js';
import { lockName } from '../src/lock-name.js';
import { lockOf } from './support.js';

const nameOf = (directory: string, lock: string): string => {
  const wanted = lockName(directory, lock);
  if (!wanted.ok) throw new Error(wanted.reason);
  return wanted.name;
};

test('a second one is held until the first is released; releasing twice is once', async () => {
  await using directory = await temporaryDirectory();
  const first = lockOf(await acquireLock(directory.path, 'claim'));
  expect(await acquireLock(directory.path, 'claim')).toEqual({ status: 'held' });
  await Promise.all([first.release(), first.release()]);
  const second = lockOf(await acquireLock(directory.path, 'claim'));
  await first.release();
  expect(await acquireLock(directory.path, 'claim')).toEqual({ status: 'held' });
  await second.release();
});

test('other names and copied directories are other locks, a link to the directory is the same one', async () => {
  await using directory = await temporaryDirectory();
  const original = join(directory.path, 'original');
  const copy = join(directory.path, 'copy');
  const link = join(directory.path, 'link');
  mkdirSync(original);
  mkdirSync(copy);
  symlinkSync(original, link);
  await using _claim = lockOf(await acquireLock(original, 'claim'));
  await using _spawn = lockOf(await acquireLock(original, 'spawn'));
  copyFileSync(join(original, 'lock.key'), join(copy, 'lock.key'));
  await using _copied = lockOf(await acquireLock(copy, 'claim'));
  expect(await acquireLock(link, 'claim')).toEqual({ status: 'held' });
});

test('the key is 32 random bytes that only this user can read, and is made once', async () => {
  await using directory = await temporaryDirectory();
  await using _claim = lockOf(await acquireLock(directory.path, 'claim'));
  const key = readFileSync(join(directory.path, 'lock.key'), 'utf8');
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(join(directory.path, 'lock.key')).mode & 0o777).toBe(0o600);
  await using _spawn = lockOf(await acquireLock(directory.path, 'spawn'));
  expect(readFileSync(join(directory.path, 'lock.key'), 'utf8')).toBe(key);
  expect(readdirSync(directory.path)).toEqual(['lock.key']);
});

test('without the key the name cannot be guessed: a new key makes another name', async () => {
  await using directory = await temporaryDirectory();
  const before = nameOf(directory.path, 'claim');
  rmSync(join(directory.path, 'lock.key'));
  expect(nameOf(directory.path, 'claim')).not.toBe(before);
});

test('a lock whose key or directory was replaced while it was taken is given up', async () => {
  await using directory = await temporaryDirectory();
  const trying = acquireLock(directory.path, 'claim');
  rmSync(join(directory.path, 'lock.key'));
  expect(await trying).toEqual({ status: 'held' });
  await lockOf(await acquireLock(directory.path, 'claim')).release();
  const vanishing = acquireLock(directory.path, 'claim');
  rmSync(directory.path, { recursive: true });
  expect(await vanishing).toMatchObject({ status: 'failed', code: 'ENOENT' });
});

test('the name fills the address, so that no version of Node pads it to another one', async () => {
  await using directory = await temporaryDirectory();
  const bound = (): string[] => readFileSync('/proc/net/unix', 'latin1').match(/@cm-lock-.*$/gm) ?? [];
  await using _claim = lockOf(await acquireLock(directory.path, 'claim'));
  const name = nameOf(directory.path, 'claim');
  expect(Buffer.byteLength(name)).toBe(108);
  // The kernel shows zeros as @: a padded name would end in them.
  expect(bound()).toContain(name.replace('\0', '@'));
});

test('whoever connects is sent away at once', async () => {
  await using directory = await temporaryDirectory();
  await using _claim = lockOf(await acquireLock(directory.path, 'claim'));
  const socket = connect({ path: nameOf(directory.path, 'claim') });
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'close');
  expect(await acquireLock(directory.path, 'claim')).toEqual({ status: 'held' });
});
