import { describe, expect, test } from 'vitest';
import { ProcessTableError } from '../src/index.js';
import { createRecordingTable, recorded } from './fixtures/linux-table.js';

describe('lookup on Linux', () => {
  test('fault 34: a zombie is dead, although kill(pid, 0) finds it', async () => {
    const { table } = createRecordingTable([{ pid: 42, state: 'Z' }]);
    const zombie = { status: 'dead', reason: 'zombie', process: { identity: recorded(42), state: 'zombie' } };
    expect(await table.lookup(recorded(42))).toMatchObject(zombie);
    expect(await table.identify(42)).toMatchObject(zombie);
    expect(await table.list()).toMatchObject([{ state: 'zombie' }]);
  });

  test('a zombie with the pid of another record is not that record’s', async () => {
    const { table } = createRecordingTable([{ pid: 42, state: 'Z', startTicks: 101 }]);
    expect(await table.lookup(recorded(42))).toEqual({ status: 'dead', reason: 'reused' });
  });

  test('a zombie is nobody’s living descendant', async () => {
    const { table } = createRecordingTable([{ pid: 42 }, { pid: 43, ppid: 42, state: 'Z' }, { pid: 44, ppid: 42 }]);
    expect(await table.descendants(recorded(42))).toMatchObject([{ identity: { pid: 44 } }]);
  });

  test('a process whose main thread has ended lives on in its others', async () => {
    const { table } = createRecordingTable([{ pid: 42, state: 'Z', threads: 2 }]);
    expect(await table.lookup(recorded(42))).toMatchObject({ status: 'alive', process: { state: 'running' } });
  });

  test.each([
    ['R', 'running'],
    ['S', 'running'],
    ['D', 'running'],
    ['I', 'running'],
    ['T', 'stopped'],
    ['t', 'stopped'],
  ])('state %s is alive, and %s', async (state, expected) => {
    const { table } = createRecordingTable([{ pid: 42, state }]);
    expect(await table.lookup(recorded(42))).toMatchObject({ status: 'alive', process: { state: expected } });
  });

  test('fault 35: a process that hidepid=2 hides is unknown, not dead', async () => {
    const { table, sent } = createRecordingTable([], { answer: () => 'EPERM' });
    expect(await table.lookup(recorded(42))).toMatchObject({ status: 'unknown' });
    expect(await table.identify(42)).toMatchObject({ status: 'unknown' });
    expect(await table.signal(recorded(42), 'SIGTERM')).toMatchObject({ outcome: 'unknown' });
    expect(sent).toEqual([]);
  });

  test('a pid that the kernel does not know is gone', async () => {
    const { table } = createRecordingTable([], { answer: () => 'ESRCH' });
    expect(await table.lookup(recorded(42))).toEqual({ status: 'dead', reason: 'gone' });
    expect(await table.identify(42)).toEqual({ status: 'dead', reason: 'gone' });
  });

  test('a thread id is no process', async () => {
    const { table } = createRecordingTable([{ pid: 42 }, { pid: 43, threadGroup: 42 }]);
    expect(await table.identify(43)).toEqual({ status: 'dead', reason: 'gone' });
    expect(await table.identify(42)).toMatchObject({ status: 'alive' });
  });

  test('a stat that makes no sense is unknown while the kernel knows the pid', async () => {
    const { table } = createRecordingTable([{ pid: 42 }], { files: { stat: () => 'nonsense' } });
    expect(await table.lookup(recorded(42))).toMatchObject({ status: 'unknown' });
  });

  test('the /proc of another PID namespace says nothing about our pids', async () => {
    const { table, sent } = createRecordingTable([{ pid: 42 }], { files: { selfPid: () => process.pid + 1 } });
    expect(await table.identify(42)).toMatchObject({ status: 'unknown' });
    expect(await table.lookup(recorded(42))).toMatchObject({ status: 'unknown' });
    expect(await table.signal(recorded(42), 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
    expect(sent).toEqual([]);
  });

  test('fault 3: a record of another machine, or a boot id without a machine id, is unknown', async () => {
    const { table } = createRecordingTable([{ pid: 42 }]);
    expect(await table.lookup(recorded(42, { machineId: 'other', bootId: 'other' }))).toMatchObject({
      status: 'unknown',
    });
    const nameless = createRecordingTable([{ pid: 42 }], { files: { machineId: () => '' } });
    expect(await nameless.table.lookup(recorded(42, { bootId: 'earlier' }))).toMatchObject({ status: 'unknown' });
    expect(await nameless.table.lookup(recorded(42))).toMatchObject({ status: 'alive' });
  });

  test('fault 6: a record of an earlier boot is dead', async () => {
    const { table, sent } = createRecordingTable([{ pid: 42 }]);
    const earlier = recorded(42, { bootId: 'earlier' });
    expect(await table.lookup(earlier)).toEqual({ status: 'dead', reason: 'earlier-boot' });
    expect(await table.signal(earlier, 'SIGKILL')).toEqual({ outcome: 'gone' });
    expect(sent).toEqual([]);
  });

  test('fault 14: out of descriptors, a process is unknown and a listing is refused', async () => {
    const fail = (): never => {
      throw new ProcessTableError('unreadable-proc', '/proc cannot be read: EMFILE');
    };
    const { table, sent } = createRecordingTable([{ pid: 42 }], { files: { stat: fail } });
    const unknown = { status: 'unknown', reason: '/proc cannot be read: EMFILE' };
    expect(await table.lookup(recorded(42))).toEqual(unknown);
    expect(await table.identify(42)).toEqual(unknown);
    expect(await table.signal(recorded(42), 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
    expect(sent).toEqual([]);
    await expect(table.list()).rejects.toMatchObject({ code: 'unreadable-proc' });
    await expect(table.groupMembers(42)).rejects.toMatchObject({ code: 'unreadable-proc' });
    await expect(table.findByCookie('any')).rejects.toMatchObject({ code: 'unreadable-proc' });
  });
});
