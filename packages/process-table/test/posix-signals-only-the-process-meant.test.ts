import { describe, expect, test } from 'vitest';
import { ProcessTableError } from '../src/index.js';
import { createRecordingPosix, type FakePs, recordedByPs } from './fixtures/posix-table.js';

const failed = (): never => {
  throw new ProcessTableError('ps-failed', 'ps failed: EMFILE');
};

describe('signal over ps', () => {
  test('goes to the process of that identity, after a look at that pid alone', async () => {
    const { table, sent, asked } = createRecordingPosix([{ pid: 42 }, { pid: 43 }]);
    expect(await table.signal(recordedByPs(42), 'SIGTERM')).toEqual({ outcome: 'sent' });
    expect(sent).toEqual([[42, 'SIGTERM']]);
    expect(asked.map(({ pids }) => pids)).toEqual([[42]]);
  });

  test('fault 1: not to another process with its pid', async () => {
    const { table, sent } = createRecordingPosix([{ pid: 42, second: 1 }]);
    expect(await table.signal(recordedByPs(42), 'SIGKILL')).toEqual({
      outcome: 'foreign',
      reason: 'the pid was reused',
    });
    expect(sent).toEqual([]);
  });

  test('R20, fault 7: not to this process, its parent, or whom the caller protects', async () => {
    const own = createRecordingPosix([{ pid: process.pid }, { pid: process.ppid }]);
    expect(await own.table.signal(recordedByPs(process.pid), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect(await own.table.signal(recordedByPs(process.ppid), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect(own.sent).toEqual([]);
    const { table, sent } = createRecordingPosix([{ pid: 42 }, { pid: 43 }], { protectedPids: [42] });
    expect(await table.signal(recordedByPs(42), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect(await table.signal(recordedByPs(43), 'SIGKILL')).toEqual({ outcome: 'sent' });
    expect(sent).toEqual([[43, 'SIGKILL']]);
  });

  test('the signal goes out in the tick in which ps answered', async () => {
    let turned = false;
    const { table, sent } = createRecordingPosix([{ pid: 42 }], { before: () => setImmediate(() => (turned = true)) });
    await table.signal(recordedByPs(42), 'SIGTERM');
    expect({ sent: sent.length, turned }).toEqual({ sent: 1, turned: false });
  });

  test('fault 2: after its cookie was read, the process is looked at again', async () => {
    const procs: FakePs[] = [{ pid: 42, cookie: 'mine' }];
    let reads = 0;
    const { table, sent } = createRecordingPosix(procs, {
      before: ({ columns }) => {
        if (!columns.includes('args')) reads += 1;
        if (reads === 2) procs[0] = { pid: 42, second: 1, cookie: 'mine' };
      },
    });
    expect(await table.signal(recordedByPs(42, { cookie: 'mine' }), 'SIGKILL')).toMatchObject({ outcome: 'foreign' });
    expect(sent).toEqual([]);
  });

  test('a child of this process needs no cookie', async () => {
    const { table, asked } = createRecordingPosix([{ pid: 42, ppid: process.pid }]);
    expect(await table.signal(recordedByPs(42, { cookie: 'mine' }), 'SIGKILL')).toEqual({ outcome: 'sent' });
    expect(asked).toHaveLength(1);
  });

  test('fault 5: a process that ends between the look and the signal is gone', async () => {
    const { table } = createRecordingPosix([{ pid: 42 }], { answer: () => 'ESRCH' });
    expect(await table.signal(recordedByPs(42), 'SIGTERM')).toEqual({ outcome: 'gone' });
  });

  test('the kernel’s refusal is said, not thrown', async () => {
    const { table } = createRecordingPosix([{ pid: 42 }], { answer: () => 'EPERM' });
    expect(await table.signal(recordedByPs(42), 'SIGTERM')).toEqual({ outcome: 'refused', reason: 'EPERM' });
  });

  test('a ps that failed says nothing about anybody', async () => {
    const { table, sent } = createRecordingPosix([{ pid: 42 }], { before: failed });
    const unknown = { status: 'unknown', reason: 'ps failed: EMFILE' };
    expect(await table.lookup(recordedByPs(42))).toEqual(unknown);
    expect(await table.identify(42)).toEqual(unknown);
    expect(await table.signal(recordedByPs(42), 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
    expect(await table.signalGroup(recordedByPs(42), 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
    expect(sent).toEqual([]);
    await expect(table.list()).rejects.toMatchObject({ code: 'ps-failed' });
    await expect(table.usage([recordedByPs(42)])).rejects.toMatchObject({ code: 'ps-failed' });
  });
});

describe('a signal to a group over ps', () => {
  test('goes to the whole group at once', async () => {
    const { table, sent } = createRecordingPosix([{ pid: 42 }]);
    expect(await table.signalGroup(recordedByPs(42), 'SIGTERM')).toEqual({ outcome: 'sent' });
    expect(sent).toEqual([[-42, 'SIGTERM']]);
  });

  test('goes out while its leader is a zombie: the number is still the group’s', async () => {
    const { table, sent } = createRecordingPosix([
      { pid: 42, state: 'Z' },
      { pid: 43, pgid: 42 },
    ]);
    expect(await table.signalGroup(recordedByPs(42), 'SIGKILL')).toEqual({ outcome: 'sent' });
    expect(sent).toEqual([[-42, 'SIGKILL']]);
  });

  test('does not go out for a leader that is gone, or reused as a zombie', async () => {
    const gone = createRecordingPosix([{ pid: 43, pgid: 42 }], { answer: () => 'ESRCH' });
    expect(await gone.table.signalGroup(recordedByPs(42), 'SIGKILL')).toEqual({ outcome: 'gone' });
    const reused = createRecordingPosix([{ pid: 42, state: 'Z', second: 1 }]);
    expect(await reused.table.signalGroup(recordedByPs(42), 'SIGKILL')).toMatchObject({ outcome: 'foreign' });
    expect([...gone.sent, ...reused.sent]).toEqual([]);
  });

  test('R20: is refused where it would reach this process', async () => {
    const { table, sent } = createRecordingPosix([{ pid: 42 }, { pid: 99, pgid: 42 }], { protectedPids: [99] });
    expect(await table.signalGroup(recordedByPs(42), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect(sent).toEqual([]);
  });

  test.each([0, 1, -1, -42, 1.5, 2 ** 31])('fault 7: is refused for pid %d', async (pid) => {
    const { table, sent } = createRecordingPosix([{ pid }]);
    expect(await table.signalGroup(recordedByPs(pid), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect(sent).toEqual([]);
  });

  test('EPERM for a group of zombies means that nobody was left (macOS)', async () => {
    const zombies: FakePs[] = [{ pid: 42, state: 'Z' }, { pid: 43, pgid: 42, state: 'Z' }, { pid: 50 }];
    const ended = createRecordingPosix(zombies, { answer: () => 'EPERM' });
    expect(await ended.table.signalGroup(recordedByPs(42), 'SIGTERM')).toEqual({ outcome: 'gone' });
    const anothers = createRecordingPosix([...zombies, { pid: 44, pgid: 42 }], { answer: () => 'EPERM' });
    expect(await anothers.table.signalGroup(recordedByPs(42), 'SIGTERM')).toMatchObject({ outcome: 'refused' });
  });
});
