import { createServer } from 'node:net';
import { join } from 'node:path';
import { createFakeProcessTable } from '@cm/process-table/testing';
import { expect, test } from 'vitest';
import { runToEnd } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { acquirePidFile } from '../src/index.js';
import { readPidFile } from '../src/read.js';
import { buildClaimant, fields, handleOf } from './support.js';

test('fault 20: a FIFO or a socket in its place is invalid at once, and replaced by who claims', async () => {
  await using build = await temporaryDirectory();
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const claimant = await buildClaimant(build.path);
  expect((await runToEnd('mkfifo', [path])).code).toBe(0);
  // In another process: a blocking open would hang this one beyond the reach of its timers.
  const read = await runToEnd(process.execPath, [claimant, 'read', path], { deadlineMs: 20_000 });
  const invalid = { status: 'invalid', reason: 'it is not a regular file' };
  expect(JSON.parse(read.stdout)).toEqual(invalid);

  const socket = join(directory.path, 'socket');
  const server = createServer();
  try {
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    expect(readPidFile(socket)).toEqual(invalid);
  } finally {
    server.close();
  }

  const table = createFakeProcessTable();
  table.start({ pid: process.pid });
  await using handle = handleOf(await acquirePidFile(path, { table }));
  await handle.update(fields(directory.path));
  expect(handle.isStillMine()).toBe(true);
});
