import { expect, test } from 'vitest';
import { createRecordingTable } from './fixtures/linux-table.js';

const pids = (...numbers: number[]): Int32Array => Int32Array.from(numbers);

test('a child that was forked while the listing ran is in it, although its parent has ended', async () => {
  const names = [pids(20, 300), pids(10, 20), pids(10, 20)];
  let readings = 0;
  const { table } = createRecordingTable([{ pid: 10 }, { pid: 20 }], {
    files: { pids: () => names[readings++] ?? pids() },
  });
  const rows = await table.list();
  expect(rows.map(({ identity }) => identity.pid)).toEqual([10, 20]);
});

test('what forks without end does not keep the listing from ending', async () => {
  let last = 1;
  const { table } = createRecordingTable([], { files: { pids: () => pids(++last) } });
  expect(await table.list()).toEqual([]);
  expect(last).toBeLessThan(10);
});

test('the names are read again only where somebody was started meanwhile', async () => {
  let readings = 0;
  const newest = ['7', '8', '8'];
  const { table } = createRecordingTable([{ pid: 10 }], {
    files: {
      pids: () => {
        readings += 1;
        return readings === 1 ? pids() : pids(10);
      },
      newestPid: () => newest.shift() ?? '8',
    },
  });
  expect(await table.list()).toHaveLength(1);
  expect(readings).toBe(2);
  expect(await table.list()).toHaveLength(1);
  expect(readings).toBe(3);
});
