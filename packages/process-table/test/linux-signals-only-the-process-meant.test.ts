import { describe, expect, test } from 'vitest';
import { ProcessTableError } from '../src/index.js';
import { statText } from './fixtures/fake-proc-files.js';
import { createRecordingTable, recorded } from './fixtures/linux-table.js';

describe('signal on Linux', () => {
  test('goes to the process of that identity', async () => {
    const { table, sent } = createRecordingTable([{ pid: 42 }]);
    expect(await table.signal(recorded(42), 'SIGTERM')).toEqual({ outcome: 'sent' });
    expect(sent).toEqual([[42, 'SIGTERM']]);
  });

  test('fault 1: not to another process with its pid', async () => {
    const { table, sent } = createRecordingTable([{ pid: 42, startTicks: 101 }]);
    expect(await table.signal(recorded(42), 'SIGKILL')).toEqual({ outcome: 'foreign', reason: 'the pid was reused' });
    expect(sent).toEqual([]);
  });

  test.each([0, 1, -1, -42, 1.5, 2 ** 31])('R20, fault 7: not to pid %d', async (pid) => {
    const { table, sent } = createRecordingTable([{ pid }]);
    expect(await table.signal(recorded(pid), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect(sent).toEqual([]);
  });

  test('R20, fault 7: not to this process or its parent', async () => {
    const { table, sent } = createRecordingTable([{ pid: process.pid }, { pid: process.ppid }]);
    expect(await table.signal(recorded(process.pid), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect(await table.signal(recorded(process.ppid), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect(sent).toEqual([]);
  });

  test('not to a pid that the caller protects', async () => {
    const { table, sent } = createRecordingTable([{ pid: 42 }, { pid: 43 }], { protectedPids: [42] });
    expect(await table.signal(recorded(42), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect(await table.signal(recorded(43), 'SIGKILL')).toEqual({ outcome: 'sent' });
    expect(sent).toEqual([[43, 'SIGKILL']]);
  });

  test('fault 5: a process that ends between the look and the signal is gone', async () => {
    const { table } = createRecordingTable([{ pid: 42 }], { answer: () => 'ESRCH' });
    expect(await table.signal(recorded(42), 'SIGTERM')).toEqual({ outcome: 'gone' });
  });

  test('the kernel’s refusal is said, not thrown', async () => {
    const { table } = createRecordingTable([{ pid: 42 }], { answer: () => 'EPERM' });
    expect(await table.signal(recorded(42), 'SIGTERM')).toEqual({ outcome: 'refused', reason: 'EPERM' });
  });

  test('the look and the signal happen in one turn of the event loop', () => {
    const { table, sent } = createRecordingTable([{ pid: 42 }]);
    void table.signal(recorded(42), 'SIGTERM');
    expect(sent).toEqual([[42, 'SIGTERM']]);
  });
});

describe('a signal to a group on Linux', () => {
  test('goes to the whole group at once, also while its leader is a zombie', async () => {
    for (const state of ['S', 'Z']) {
      const { table, sent } = createRecordingTable([{ pid: 42, state }]);
      expect(await table.signalGroup(recorded(42), 'SIGTERM')).toEqual({ outcome: 'sent' });
      expect(sent).toEqual([[-42, 'SIGTERM']]);
    }
  });

  test('fault 1: not to the group of another leader with its pid', async () => {
    const { table, sent } = createRecordingTable([{ pid: 42, startTicks: 101 }]);
    expect(await table.signalGroup(recorded(42), 'SIGKILL')).toMatchObject({ outcome: 'foreign' });
    expect(sent).toEqual([]);
  });

  test.each([0, 1, -1, -42, 1.5, 2 ** 31])('R20, fault 7: not to the group %d', async (pid) => {
    const { table, sent } = createRecordingTable([{ pid }]);
    expect(await table.signalGroup(recorded(pid), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect(sent).toEqual([]);
  });

  test('R20: not to the group that this process is in', async () => {
    const { table, sent } = createRecordingTable([{ pid: 42 }], { protectedPids: [42] });
    expect(await table.signalGroup(recorded(42), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect(sent).toEqual([]);
  });

  test('fault 14: not when the own group cannot be read', async () => {
    const stat = (pid: number): string => {
      if (pid === 42) return statText({ pid });
      throw new ProcessTableError('unreadable-proc', '/proc cannot be read: EMFILE');
    };
    const { table, sent } = createRecordingTable([{ pid: 42 }], { files: { stat } });
    expect(await table.signalGroup(recorded(42), 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
    expect(sent).toEqual([]);
  });
});
