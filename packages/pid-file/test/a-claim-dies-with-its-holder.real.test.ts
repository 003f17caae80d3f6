import { join } from 'node:path';
import { createProcessTable } from '@cm/process-table';
import { expect, test } from 'vitest';
import { runToEnd, startProcess } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { acquirePidFile, inspectPidFile } from '../src/index.js';
import { acquireLock } from '../src/lock.js';
import { readPidFile } from '../src/read.js';
import { buildClaimant, fields, handleOf, lockOf } from './support.js';

test('field failure 17: after SIGKILL of its holder a lock can be had at once', async () => {
  await using build = await temporaryDirectory();
  await using directory = await temporaryDirectory();
  const claimant = await buildClaimant(build.path);
  await using holder = await startProcess(process.execPath, [claimant, 'lock', directory.path, 'spawn', 'stay']);
  expect(await holder.line(25_000)).toBe('"acquired"');
  expect(await acquireLock(directory.path, 'spawn')).toEqual({ status: 'held' });
  holder.child.kill('SIGKILL');
  await holder.exit;
  await lockOf(await acquireLock(directory.path, 'spawn')).release();
});

test('a lock does not keep its process alive', async () => {
  await using build = await temporaryDirectory();
  await using directory = await temporaryDirectory();
  const claimant = await buildClaimant(build.path);
  const ended = await runToEnd(process.execPath, [claimant, 'lock', directory.path, 'spawn']);
  expect(ended).toMatchObject({ code: 0, stdout: '"acquired"\n' });
});

test('S4, field failure 3: kill -9 of a published worker leaves a stale file, and the next one takes over at once', async () => {
  await using build = await temporaryDirectory();
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const table = createProcessTable();
  const claimant = await buildClaimant(build.path);
  await using worker = await startProcess(process.execPath, [claimant, 'claim', path]);
  await worker.line(25_000);
  worker.child.stdin?.write('claim\npublish\n');
  expect(JSON.parse(await worker.line(25_000))).toMatchObject({ status: 'acquired' });
  const record = JSON.parse(await worker.line(25_000));
  expect(record).toMatchObject({ pid: worker.pid });
  expect(await inspectPidFile(path, { table })).toEqual({ status: 'alive', record });
  expect(await acquirePidFile(path, { table })).toMatchObject({ status: 'held', reason: 'running', holder: record });
  worker.child.kill('SIGKILL');
  await worker.exit;
  const reason = 'its process has ended';
  expect(await inspectPidFile(path, { table })).toEqual({ status: 'stale', record, reason });
  const startedAt = performance.now();
  const result = await acquirePidFile(path, { table });
  expect(performance.now() - startedAt).toBeLessThan(1000);
  expect(result).toMatchObject({ status: 'acquired', replaced: record });
  await using successor = handleOf(result);
  const own = await successor.update(fields(directory.path));
  expect(readPidFile(path)).toEqual({ status: 'found', record: own });
});
