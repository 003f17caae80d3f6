import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createProcessTable, type Lookup, type ProcessIdentity } from '@cm/process-table';
import { createFakeProcessTable, type FakeProcessTable } from '@cm/process-table/testing';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { acquirePidFile, inspectPidFile, isPidFileError } from '../src/index.js';
import { acquireLock } from '../src/lock.js';
import { readPidFile } from '../src/read.js';
import { fields, handleOf, lockOf, snapshot, writeRecord } from './support.js';

/** A table in which this process lives. */
const here = (): FakeProcessTable => {
  const table = createFakeProcessTable();
  table.start({ pid: process.pid });
  return table;
};

const alive = (change: Partial<ProcessIdentity>): Lookup => {
  const identity = { pid: 4242, startToken: '1', bootId: 'boot', machineId: 'machine', pidNs: 'pid:[1]', ...change };
  return { status: 'alive', process: { identity, ppid: 1, pgid: 4242, sid: 4242, state: 'running', command: 'node' } };
};

const code = (error: unknown): string => (isPidFileError(error) ? error.code : String(error));

test('field failure 7: nothing is published by the claim, everything by update, 0600 and whole', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const table = here();
  await using handle = handleOf(await acquirePidFile(path, { table, now: () => new Date(0) }));
  expect(readdirSync(directory.path)).toEqual(['lock.key']);
  expect(handle.isStillMine()).toBe(false);
  const first = await handle.update(fields(directory.path));
  expect(first).toEqual({
    schema: 1,
    ...handle.identity,
    ...fields(directory.path),
    startedAt: '1970-01-01T00:00:00.000Z',
    instanceId: handle.instanceId,
    proof: handle.proof,
  });
  expect(handle.proof.client).toMatch(/^[0-9a-f]{64}$/);
  expect(handle.proof.worker).toMatch(/^[0-9a-f]{64}$/);
  expect(handle.proof.worker).not.toBe(handle.proof.client);
  expect(readPidFile(path)).toEqual({ status: 'found', record: first });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(handle.isStillMine()).toBe(true);
  expect(await inspectPidFile(path, { table })).toEqual({ status: 'alive', record: first });
  const second = await handle.update({ ...fields(directory.path), port: 40_000 });
  expect(second).toEqual({ ...first, port: 40_000 });
  expect(readPidFile(path)).toEqual({ status: 'found', record: second });
  expect(readdirSync(directory.path)).toEqual(['lock.key', 'worker.pid']);
});

test('while one is claimed: lock without a file or with a dead one in it, running once it is published', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const table = here();
  await using handle = handleOf(await acquirePidFile(path, { table }));
  const starting = { status: 'held', reason: 'lock', message: 'another worker is starting or stopping' };
  expect(await acquirePidFile(path, { table })).toEqual(starting);
  await writeRecord(path, { bootId: 'boot', dataDir: directory.path });
  expect(await acquirePidFile(path, { table })).toEqual(starting);
  const holder = await handle.update(fields(directory.path));
  expect(await acquirePidFile(path, { table })).toEqual({
    status: 'held',
    reason: 'running',
    holder,
    message: `already running: pid ${process.pid} at 127.0.0.1:37777, started ${holder.startedAt}`,
  });
});

test('a living worker in the file refuses even if the lock is free, and the refusal changes nothing', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const table = here();
  await lockOf(await acquireLock(directory.path, 'claim')).release();
  const holder = await writeRecord(path, { ...table.start(), dataDir: directory.path });
  const before = snapshot(directory.path);
  expect(await acquirePidFile(path, { table })).toMatchObject({ status: 'held', reason: 'running', holder });
  expect(snapshot(directory.path)).toEqual(before);
  table.exit(holder.pid);
  await handleOf(await acquirePidFile(path, { table })).release();
});

test('a worker of another machine or container refuses, and the message says what to do', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const table = here();
  const holder = await writeRecord(path, { pidNs: 'pid:[2]', dataDir: '/data' });
  const refused = await acquirePidFile(path, { table });
  expect(refused).toEqual({
    status: 'held',
    reason: 'elsewhere',
    holder,
    message: `in use from another machine or container (pid 4242 at 127.0.0.1:37777, started ${holder.startedAt}): stop the worker there; if you know that it no longer runs, remove ${path}`,
  });
  // The lock was given back: with the same lock held it is still "elsewhere", and that is told apart below.
  await using _lock = lockOf(await acquireLock(directory.path, 'claim'));
  expect(await acquirePidFile(path, { table })).toMatchObject({ status: 'held', reason: 'elsewhere', holder });
});

test('R19, field failure 3: a stale file is claimed, told of, and replaced only by update', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const stale = await writeRecord(path, { dataDir: directory.path });
  const result = await acquirePidFile(path, { table: here() });
  expect(result).toMatchObject({ status: 'acquired', replaced: stale });
  await using handle = handleOf(result);
  expect(readPidFile(path)).toEqual({ status: 'found', record: stale });
  await handle.update(fields(directory.path));
  expect(handle.isStillMine()).toBe(true);
});

test('a foreign file is claimed although its process lives', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const table = here();
  await writeRecord(path, { ...table.start(), dataDir: '/' });
  const result = await acquirePidFile(path, { table });
  await using handle = handleOf(result);
  expect(result).not.toHaveProperty('replaced');
  await handle.update(fields(directory.path));
  expect(handle.isStillMine()).toBe(true);
});

test('field failure 7: a file that names this very process does not refuse it', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const table = here();
  const abandoned = handleOf(await acquirePidFile(path, { table }));
  const own = await abandoned.update(fields(directory.path));
  await abandoned.release();
  await writeRecord(path, own);
  await handleOf(await acquirePidFile(path, { table })).release();
});

test.each<[string, (path: string) => void]>([
  ['half-written', (path) => writeFileSync(path, '{"schema": 1, "pi')],
  [
    'writable by others',
    (path) => {
      writeFileSync(path, '{}');
      chmodSync(path, 0o666);
    },
  ],
  ['a symbolic link', (path) => symlinkSync(`${path}.victim`, path)],
])('fault 20: a file that is %s is claimed and replaced, never written through', async (_, place) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  writeFileSync(`${path}.victim`, 'untouched');
  place(path);
  await using handle = handleOf(await acquirePidFile(path, { table: here() }));
  await handle.update(fields(directory.path));
  expect(handle.isStillMine()).toBe(true);
  expect(readFileSync(`${path}.victim`, 'utf8')).toBe('untouched');
});

test('fault 20: a directory in its place fails with a reason and gives the lock back', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  mkdirSync(path);
  const result = await acquirePidFile(path, { table: here() });
  expect(result).toEqual({ status: 'failed', code: 'EISDIR', reason: `${path} cannot be used: it is a directory` });
  await lockOf(await acquireLock(directory.path, 'claim')).release();
});

test('field failure 18: a directory that cannot be locked fails, also by platform', async () => {
  await using directory = await temporaryDirectory();
  const table = here();
  const missing = join(directory.path, 'missing', 'worker.pid');
  expect(await acquirePidFile(missing, { table })).toMatchObject({ status: 'failed', code: 'ENOENT' });
  const path = join(directory.path, 'worker.pid');
  const unsupported = await acquirePidFile(path, { table, platform: 'aix' });
  expect(unsupported).toMatchObject({ status: 'failed', code: 'unsupported-platform' });
});

test.each<[string, FakeProcessTable['identify']]>([
  ['cannot be seen', async () => ({ status: 'unknown', reason: 'hidden' })],
  ['has pid 1, which no reader accepts', async () => alive({ pid: 1 })],
  ['does not know its start token', async () => alive({ startToken: '' })],
  ['does not know its boot', async () => alive({ bootId: '' })],
  ['does not know its PID namespace', async () => alive({ pidNs: '' })],
])('a process that %s may not own a directory: nobody could recognise it later', async (_, identify) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const result = await acquirePidFile(path, { table: { ...createFakeProcessTable(), identify } });
  expect(result).toMatchObject({ status: 'failed', code: 'unknown-identity' });
  await lockOf(await acquireLock(directory.path, 'claim')).release();
});

test('a process table that throws is a failure with its code, and the lock is given back', async () => {
  await using directory = await temporaryDirectory();
  const table = createProcessTable({ platform: 'haiku' });
  const result = await acquirePidFile(join(directory.path, 'worker.pid'), { table });
  expect(result).toMatchObject({ status: 'failed', code: 'unsupported-platform' });
  await lockOf(await acquireLock(directory.path, 'claim')).release();
});

test('R26: an update that fails rejects by code, leaves nothing behind, and can be tried again', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  await using handle = handleOf(await acquirePidFile(path, { table: here() }));
  expect(await handle.update({ ...fields(directory.path), port: 0 }).catch(code)).toBe('invalid-record');
  expect(readdirSync(directory.path)).toEqual(['lock.key']);
  mkdirSync(path);
  expect(await handle.update(fields(directory.path)).catch(code)).toBe('publish-failed');
  expect(readdirSync(directory.path)).toEqual(['lock.key', 'worker.pid']);
});

test('a relative path stays the same file when the working directory changes', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  await using handle = handleOf(await acquirePidFile(relative(process.cwd(), path), { table: here() }));
  const cwd = process.cwd();
  process.chdir('/');
  try {
    await handle.update(fields(directory.path));
  } finally {
    process.chdir(cwd);
  }
  expect(readPidFile(path)).toMatchObject({ status: 'found' });
});
