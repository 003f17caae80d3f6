import { createProcessTable } from '@cm/process-table';
import { expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { startProcess } from '../../../tools/testing/real-process.js';
import { peek } from '../src/read.js';
import { record } from './support.js';

test('field failure 3: a worker that ended and was not waited for is dead to who peeks', async () => {
  // The shell becomes a program that never waits for what the shell had started, and what then ends.
  await using parent = await startProcess('sh', ['-c', 'sh -c "read -r line" <&3 & echo $!; exec sleep 60 3<&-'], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  });
  const pid = Number(await parent.line());
  const table = createProcessTable();
  const found = await table.identify(parent.pid);
  if (found.status !== 'alive') throw new Error('no parent');
  await eventually('the program', async () => (await table.commandLine(found.process.identity))[0] === 'sleep');
  for (const stream of [...parent.child.stdio].slice(3)) stream?.destroy();
  const zombie = await eventually('a zombie', async () =>
    (await table.list()).find((row) => row.identity.pid === pid && row.state === 'zombie'),
  );
  expect(peek(record(zombie.identity))).toBe('dead');
});
