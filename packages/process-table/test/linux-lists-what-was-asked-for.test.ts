import { describe, expect, test } from 'vitest';
import { COOKIE_VARIABLE } from '../src/index.js';
import { createRecordingTable, recorded } from './fixtures/linux-table.js';

const environ = `${COOKIE_VARIABLE}=mine\0`;

describe('a Linux listing', () => {
  test('asks no kernel thread for an environment or descriptors', async () => {
    const asked: number[] = [];
    const ask = (pid: number): undefined => void asked.push(pid);
    const { table } = createRecordingTable([{ pid: 2, kernelThread: true }, { pid: 42 }], {
      files: { environ: ask, descriptors: ask },
    });
    const rows = await table.list({ cookies: true, descriptors: new Set(['pipe:[1]']) });
    expect(rows.map(({ identity }) => identity.pid)).toEqual([2, 42]);
    expect(asked).toEqual([42, 42]);
  });

  test('since somebody asks whoever started with it or later', async () => {
    const { table } = createRecordingTable([
      { pid: 41, startTicks: 99, environ },
      { pid: 42, startTicks: 100, environ },
      { pid: 43, startTicks: 1000, environ },
    ]);
    const rows = await table.list({ cookies: true, since: recorded(42) });
    expect(rows.map(({ cookie }) => cookie)).toEqual([undefined, 'mine', 'mine']);
  });

  test('names what is held once, however often it is open', async () => {
    const descriptors = () =>
      new Map([
        [0, '/dev/null'],
        [1, 'pipe:[7]'],
        [2, 'pipe:[7]'],
      ]);
    const { table } = createRecordingTable([{ pid: 42 }], { files: { descriptors } });
    expect(await table.list({ descriptors: new Set(['pipe:[7]', 'pipe:[8]']) })).toMatchObject([
      { holds: ['pipe:[7]'] },
    ]);
    expect((await table.list({ descriptors: new Set(['pipe:[8]']) }))[0]).not.toHaveProperty('holds');
  });
});

test('processor time is the user’s and the system’s, in ticks of 10 ms', async () => {
  const { table } = createRecordingTable(
    [
      { pid: 42, ticks: [3, 4] },
      { pid: 43, ticks: [100, 0] },
      { pid: 44, ticks: [1000, 0], state: 'Z' },
    ],
    { files: { residentBytes: (pid) => pid } },
  );
  expect(await table.usage([recorded(42), recorded(43), recorded(44)])).toEqual({
    processes: 2,
    cpuMs: 1070,
    memoryBytes: 85,
  });
});
