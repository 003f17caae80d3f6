import { expect, test } from 'vitest';
import { createRecordingTable } from './fixtures/linux-table.js';

test('a child that was forked while the listing ran is in it, although its parent has ended', async () => {
  const names = [
    [300, 20],
    [10, 20],
    [10, 20],
  ];
  let readings = 0;
  const { table } = createRecordingTable([{ pid: 10 }, { pid: 20 }], {
    files: { pids: () => names[readings++] ?? [] },
  });
  const rows = await table.list();
  expect(rows.map(({ identity }) => identity.pid)).toEqual([10, 20]);
});

test('what forks without end does not keep the listing from ending', async () => {
  let last = 1;
  const { table } = createRecordingTable([], { files: { pids: () => [++last] } });
  expect(await table.list()).toEqual([]);
  expect(last).toBeLessThan(10);
});
