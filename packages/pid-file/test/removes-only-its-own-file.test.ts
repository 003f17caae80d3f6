import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createFakeProcessTable } from '@cm/process-table/testing';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { acquirePidFile, isPidFileError, type PidFileHandle } from '../src/index.js';
import { acquireLock } from '../src/lock.js';
import { readPidFile } from '../src/read.js';
import { fields, handleOf, lockOf, writeRecord } from './support.js';

const claim = async (path: string): Promise<PidFileHandle> => {
  const table = createFakeProcessTable();
  table.start({ pid: process.pid });
  return handleOf(await acquirePidFile(path, { table }));
};

test('release removes the file, then gives the claim back; again it says the same and does nothing', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const handle = await claim(path);
  await handle.update(fields(directory.path));
  expect(await Promise.all([handle.release(), handle.release()])).toEqual([{ removed: true }, { removed: true }]);
  expect(readdirSync(directory.path)).toEqual(['lock.key']);
  expect(handle.isStillMine()).toBe(false);
  const successor = await claim(path);
  await successor.update(fields(directory.path));
  await handle.release();
  expect(successor.isStillMine()).toBe(true);
  await successor.release();
});

test('the claim outlives the file: it is given back last', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const handle = await claim(path);
  await handle.update(fields(directory.path));
  const releasing = handle.release();
  // What release does before it first waits is the removal; by the time the claim is free the file is gone.
  expect(readPidFile(path)).toEqual({ status: 'missing' });
  await releasing;
  await lockOf(await acquireLock(directory.path, 'claim')).release();
});

test('fault 19, field failure 6: a predecessor does not touch what its successor wrote', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const predecessor = await claim(path);
  await predecessor.update(fields(directory.path));
  const record = await writeRecord(path, { instanceId: 'successor', dataDir: directory.path });
  expect(predecessor.isStillMine()).toBe(false);
  expect(await predecessor.release()).toEqual({ removed: false });
  expect(readPidFile(path)).toEqual({ status: 'found', record });
});

test('fault 21: a file deleted under a living worker is noticed, and can be published again', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  await using handle = await claim(path);
  await handle.update(fields(directory.path));
  rmSync(path);
  expect(handle.isStillMine()).toBe(false);
  await handle.update(fields(directory.path));
  expect(handle.isStillMine()).toBe(true);
});

test('field failure 8: after its release a handle publishes nothing', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const handle = await claim(path);
  expect(await handle.release()).toEqual({ removed: false });
  const refused = await handle.update(fields(directory.path)).catch((error: unknown) => error);
  expect(isPidFileError(refused) && refused.code).toBe('released');
  expect(readPidFile(path)).toEqual({ status: 'missing' });
});

test('leaving the scope releases', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  {
    await using handle = await claim(path);
    await handle.update(fields(directory.path));
  }
  expect(readdirSync(directory.path)).toEqual(['lock.key']);
  await lockOf(await acquireLock(directory.path, 'claim')).release();
});
