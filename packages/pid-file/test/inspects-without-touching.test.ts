import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessTable } from '@cm/process-table';
import { createFakeProcessTable } from '@cm/process-table/testing';
import { expect, test, vi } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { inspectPidFile } from '../src/index.js';
import { snapshot, writeRecord } from './support.js';

test('S4: missing and invalid need no look at any process', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const table = { lookup: () => Promise.reject(new Error('not needed')) };
  expect(await inspectPidFile(path, { table })).toEqual({ status: 'missing' });
  writeFileSync(path, '{');
  expect(await inspectPidFile(path, { table })).toMatchObject({ status: 'invalid' });
});

test('S4: alive by one lookup, and nothing is changed', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const fake = createFakeProcessTable();
  const record = await writeRecord(path, { ...fake.start(), dataDir: directory.path });
  const lookup = vi.fn(fake.lookup);
  const before = snapshot(directory.path);
  expect(await inspectPidFile(path, { table: { lookup } })).toEqual({ status: 'alive', record });
  expect(lookup).toHaveBeenCalledTimes(1);
  expect(snapshot(directory.path)).toEqual(before);
});

test.each<[string, string, (fake: ReturnType<typeof createFakeProcessTable>, pid: number) => void]>([
  ['gone', 'its process has ended', (fake, pid) => fake.exit(pid)],
  ['a zombie', 'its process has ended and waits for its parent', (fake, pid) => fake.exit(pid, 'zombie')],
  ['reused', 'its process has ended and another one has its pid', (fake, pid) => void fake.reusePid(pid)],
])('S4, R19, field failures 2 and 3: stale when its process is %s', async (_, reason, happen) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const fake = createFakeProcessTable();
  const record = await writeRecord(path, { ...fake.start(), dataDir: directory.path });
  happen(fake, record.pid);
  expect(await inspectPidFile(path, { table: fake })).toEqual({ status: 'stale', record, reason });
});

test('S4: stale when it is of an earlier boot, whatever has its pid today', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const fake = createFakeProcessTable();
  const record = await writeRecord(path, { ...fake.start(), bootId: 'earlier', dataDir: directory.path });
  const reason = 'it was written before this machine last started';
  expect(await inspectPidFile(path, { table: fake })).toEqual({ status: 'stale', record, reason });
});

test('fault 3: unknown from another machine or PID namespace, even if the data directory has another path there', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const fake = createFakeProcessTable();
  const identity = fake.start();
  for (const change of [{ machineId: 'another' }, { pidNs: 'pid:[2]' }, { startToken: '', pidNs: '' }]) {
    const record = await writeRecord(path, { ...identity, ...change, dataDir: '/data' });
    expect(await inspectPidFile(path, { table: fake })).toMatchObject({ status: 'unknown', record });
  }
});

test('unknown when its process cannot be read, or there is no process table here', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const fake = createFakeProcessTable();
  const record = await writeRecord(path, { ...fake.start(), dataDir: directory.path });
  fake.hide(record.pid);
  expect(await inspectPidFile(path, { table: fake })).toEqual({ status: 'unknown', record, reason: 'hidden' });
  const seen = await inspectPidFile(path, { table: createProcessTable({ platform: 'haiku' }) });
  expect(seen).toMatchObject({ status: 'unknown', reason: expect.stringContaining('unsupported platform') });
});

test('S4: a copied file is foreign, alive or dead; links to the directory are the directory', async () => {
  await using directory = await temporaryDirectory();
  const original = join(directory.path, 'original');
  const copy = join(directory.path, 'copy');
  const link = join(directory.path, 'link');
  mkdirSync(original);
  mkdirSync(copy);
  symlinkSync(original, link);
  const fake = createFakeProcessTable();
  const record = await writeRecord(join(original, 'worker.pid'), { ...fake.start(), dataDir: original });
  await writeRecord(join(copy, 'worker.pid'), record);
  const foreign = { status: 'foreign', record, reason: `it is for ${original}` };
  expect(await inspectPidFile(join(copy, 'worker.pid'), { table: fake })).toEqual(foreign);
  expect(await inspectPidFile(join(link, 'worker.pid'), { table: fake })).toMatchObject({ status: 'alive' });
  const elsewhere = { table: fake, dataDir: copy };
  expect(await inspectPidFile(join(original, 'worker.pid'), elsewhere)).toEqual(foreign);
  fake.exit(record.pid);
  expect(await inspectPidFile(join(copy, 'worker.pid'), { table: fake })).toEqual(foreign);
});
