import { describe, expect, test } from 'vitest';
import { createRecordingPosix, recordedByPs } from './fixtures/posix-table.js';
import { ELAPSED, PROCPS } from './fixtures/ps-dialects.js';

const pidsOf = (rows: readonly { identity: { pid: number } }[]): number[] => rows.map(({ identity }) => identity.pid);

describe('lookup over ps', () => {
  test('fault 34: a zombie is dead, listed, and nobody’s living relative', async () => {
    const { table } = createRecordingPosix([{ pid: 40 }, { pid: 42, ppid: 40, pgid: 40, state: 'Z', cookie: 'c' }]);
    const zombie = { status: 'dead', reason: 'zombie', process: { identity: recordedByPs(42), state: 'zombie' } };
    expect(await table.lookup(recordedByPs(42))).toMatchObject(zombie);
    expect(await table.identify(42)).toMatchObject(zombie);
    expect(pidsOf(await table.list())).toEqual([40, 42]);
    expect(await table.descendants(recordedByPs(40))).toEqual([]);
    expect(pidsOf(await table.groupMembers(40))).toEqual([40]);
    expect(await table.findByCookie('c')).toEqual([]);
    expect(await table.usage([recordedByPs(42)])).toMatchObject({ processes: 0 });
  });

  test('a process that ps does not show is unknown while the kernel knows it, also as another’s', async () => {
    for (const answer of [() => undefined, () => 'EPERM']) {
      const { table } = createRecordingPosix([], { answer });
      expect(await table.lookup(recordedByPs(42))).toMatchObject({ status: 'unknown' });
      expect(await table.identify(42)).toMatchObject({ status: 'unknown' });
    }
    const { table } = createRecordingPosix([], { answer: () => 'ESRCH' });
    expect(await table.lookup(recordedByPs(42))).toEqual({ status: 'dead', reason: 'gone' });
    expect(await table.identify(42)).toEqual({ status: 'dead', reason: 'gone' });
  });

  test('a listing of nobody is a failure, not an empty machine', async () => {
    const { table } = createRecordingPosix([]);
    await expect(table.list()).rejects.toMatchObject({ code: 'ps-failed' });
  });

  test('lists in pid order, whatever the order of ps', async () => {
    const { table } = createRecordingPosix([{ pid: 9 }, { pid: 100 }, { pid: 10 }]);
    expect(pidsOf(await table.list())).toEqual([9, 10, 100]);
  });

  test('ps is never asked for what is no pid', async () => {
    const { table, asked } = createRecordingPosix([{ pid: 42 }]);
    const odd = [0, -1, 1.5, 2 ** 31].map((pid) => recordedByPs(pid));
    expect(await table.usage(odd)).toMatchObject({ processes: 0 });
    expect(asked).toEqual([]);
    expect(await table.usage([...odd, recordedByPs(42)])).toEqual({
      processes: 1,
      cpuMs: 1000,
      memoryBytes: 1_024_000,
    });
    expect(asked.map(({ pids }) => pids)).toEqual([[42]]);
  });

  test('ps does not list itself', async () => {
    const { table } = createRecordingPosix([{ pid: 42 }, { pid: 77, ppid: 42 }], { psPid: 77 });
    expect(pidsOf(await table.list())).toEqual([42]);
    expect(await table.descendants(recordedByPs(42))).toEqual([]);
  });

  test('of several lines for one pid the first is its own: the rest is somebody’s command', async () => {
    const { table } = createRecordingPosix([{ pid: 42 }, { pid: 42, second: 9 }, { pid: 7 }]);
    expect(await table.identify(42)).toMatchObject({ process: { identity: recordedByPs(42) } });
  });

  test('a ps that takes no pids lists everybody, and the one is picked', async () => {
    const { table } = createRecordingPosix([{ pid: 41 }, { pid: 42 }], { dialect: { ...PROCPS, selects: false } });
    expect(await table.identify(42)).toMatchObject({ process: { identity: { pid: 42 } } });
    expect(await table.commandLine(recordedByPs(42))).toEqual(['node', '--run']);
  });

  test('a cookie is taken only from the process that is listed', async () => {
    const procs = [{ pid: 42, cookie: 'one', second: 0 }];
    const { table } = createRecordingPosix(procs, {
      before: ({ columns }) => {
        if (columns.includes('args')) procs[0] = { pid: 42, cookie: 'one', second: 5 };
      },
    });
    expect((await table.list({ cookies: true }))[0]).not.toHaveProperty('cookie');
  });

  test('where it runs is asked again until the boot is known', async () => {
    let bootId = '';
    const { table } = createRecordingPosix([{ pid: 42 }], { bootId: () => bootId });
    expect(await table.lookup(recordedByPs(42))).toMatchObject({ status: 'unknown' });
    bootId = 'boot';
    expect(await table.lookup(recordedByPs(42))).toMatchObject({ status: 'alive' });
    bootId = 'another';
    expect(await table.lookup(recordedByPs(42))).toMatchObject({ status: 'alive' });
  });

  test('descriptors are not known, arguments are what ps joined', async () => {
    const { table } = createRecordingPosix([{ pid: 42 }]);
    expect(await table.openDescriptors(recordedByPs(42))).toBeUndefined();
    expect(await table.commandLine(recordedByPs(42))).toEqual(['node', '--run']);
    expect(await table.commandLine(recordedByPs(42, { startToken: '1' }))).toEqual([]);
  });
});

describe('start tokens from elapsed times', () => {
  test('count from the boot, at the moment between the question and the answer', async () => {
    let now = 1000;
    const { table } = createRecordingPosix([{ pid: 42, second: 10 }], {
      dialect: ELAPSED,
      uptime: () => now,
      before: () => {
        now += 0.4;
      },
    });
    expect(await table.identify(42)).toMatchObject({ process: { identity: { startToken: '~990.2' } } });
  });

  test('are asked again when ps was slow, and left empty when it stays slow', async () => {
    let now = 1000;
    let slow = 2;
    const { table, asked } = createRecordingPosix([{ pid: 42 }], {
      dialect: ELAPSED,
      uptime: () => now,
      before: () => {
        slow -= 1;
        now += slow >= 0 ? 5 : 0;
      },
    });
    expect(await table.identify(42)).toMatchObject({ process: { identity: { startToken: '~1010.0' } } });
    expect(asked).toHaveLength(3);
    slow = 99;
    expect(await table.identify(42)).toMatchObject({ process: { identity: { startToken: '' } } });
    expect(asked).toHaveLength(6);
  });
});
