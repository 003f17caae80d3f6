import { expect, test } from 'vitest';
import { createRecordingTable } from './fixtures/linux-table.js';

test('a listing of a thousand processes lets other work run, and misses none', async () => {
  const procs = Array.from({ length: 1000 }, (_, index) => ({ pid: index + 2 }));
  let turns = 0;
  let listing = true;
  const count = (): void => {
    turns += 1;
    if (listing) setImmediate(count);
  };
  setImmediate(count);
  const { table } = createRecordingTable(procs);
  const rows = await table.list();
  listing = false;
  expect(turns).toBeGreaterThanOrEqual(5);
  expect(rows.map(({ identity }) => identity.pid)).toEqual(procs.map(({ pid }) => pid));
});
