import { createProcessTable } from '@cm/process-table';
import { expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { startProcess } from '../../../tools/testing/real-process.js';
import { peek } from '../src/read.js';
import { record } from './support.js';

test('field failure 3: a worker that ended and was not waited for is dead to who peeks', async () => {
  // The shell becomes a program that never waits for what the shell had started.
  await using parent = await startProcess('sh', ['-c', 'true & echo $!; exec sleep 60']);
  const pid = Number(await parent.line());
  const table = createProcessTable();
  const zombie = await eventually('a zombie', async () =>
    (await table.list()).find((row) => row.identity.pid === pid && row.state === 'zombie'),
  );
  expect(peek(record(zombie.identity))).toBe('dead');
});
