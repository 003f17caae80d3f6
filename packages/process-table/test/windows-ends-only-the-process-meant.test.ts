import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ProcessIdentity, ProcessTableError } from '../src/index.js';
import { createWindowsTable, type WindowsTableOptions } from '../src/windows/create-windows-table.js';
import { createCimWorld } from './fixtures/cim-world.js';

const recordedAnswer = readFileSync(new URL('./fixtures/win32-processes.txt', import.meta.url), 'utf8');
const MACHINE = '0b2e7f6a-1c0d-4b52-9c7b-6c1b0e5d2a11';

const recorded = (change: Partial<ProcessIdentity> = {}): ProcessIdentity => ({
  pid: 6432,
  startToken: '639028224900000000',
  bootId: 'any',
  machineId: MACHINE,
  pidNs: 'win32',
  ...change,
});

const over = (options: WindowsTableOptions & { answer?: string; errno?: string } = {}) => {
  const sent: [number, string][] = [];
  const { answer = recordedAnswer, errno, ...rest } = options;
  const table = createWindowsTable({
    query: async () => answer,
    kill: (pid, signal) => {
      if (errno !== undefined) throw Object.assign(new Error(errno), { code: errno });
      if (signal !== 0) sent.push([pid, signal]);
    },
    ...rest,
  });
  return { table, sent };
};

describe('signal on Windows', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)('%s ends the process of that identity', async (signal) => {
    const { table, sent } = over();
    expect(await table.signal(recorded(), signal)).toEqual({ outcome: 'sent' });
    expect(sent).toEqual([[6432, signal]]);
  });

  test.each(['SIGSTOP', 'SIGCONT', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const)(
    '%s is refused: there is none',
    async (signal) => {
      const { table, sent } = over();
      const refused = { outcome: 'refused', reason: `Windows has no ${signal}` };
      expect(await table.signal(recorded(), signal)).toEqual(refused);
      expect(sent).toEqual([]);
    },
  );

  test('fault 1: another process with its pid is not ended', async () => {
    const { table, sent } = over();
    const earlier = recorded({ startToken: '639028224899999990' });
    expect(await table.lookup(earlier)).toEqual({ status: 'dead', reason: 'reused' });
    expect(await table.signal(earlier, 'SIGKILL')).toMatchObject({ outcome: 'foreign' });
    expect(sent).toEqual([]);
  });

  test('R20: the kernel’s own process, this one and its parent are never ended', async () => {
    const { table, sent } = over();
    for (const pid of [0, 4, process.pid, process.ppid]) {
      expect(await table.signal(recorded({ pid }), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    }
    const careful = over({ protectedPids: () => [6432] });
    expect(await careful.table.signal(recorded(), 'SIGKILL')).toMatchObject({ outcome: 'refused' });
    expect([...sent, ...careful.sent]).toEqual([]);
  });

  test('a process whose creation time may not be seen is unknown', async () => {
    const answer = recordedAnswer.replace('"639028224900000000"', 'null');
    const { table, sent } = over({ answer });
    expect(await table.signal(recorded(), 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
    expect(sent).toEqual([]);
  });

  test('on a machine without an id everybody is unknown: the record may be of another', async () => {
    const answer = recordedAnswer.replace(/"MachineGuid":"[^"]*"/, '"MachineGuid":null');
    const { table, sent } = over({ answer });
    expect(await table.lookup(recorded())).toMatchObject({ status: 'unknown' });
    expect(await table.lookup(recorded({ machineId: '' }))).toMatchObject({ status: 'unknown' });
    expect(await table.signal(recorded(), 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
    expect(sent).toEqual([]);
  });

  test('what the system answers is said: gone, or no permission', async () => {
    expect(await over({ errno: 'ESRCH' }).table.signal(recorded(), 'SIGKILL')).toEqual({ outcome: 'gone' });
    expect(await over({ errno: 'EPERM' }).table.signal(recorded(), 'SIGKILL')).toEqual({
      outcome: 'refused',
      reason: 'EPERM',
    });
  });

  test('a pid that is not listed is dead only if Windows does not know it', async () => {
    expect(await over({ errno: 'ESRCH' }).table.identify(9996)).toEqual({ status: 'dead', reason: 'gone' });
    expect(await over({ errno: 'EPERM' }).table.identify(9996)).toMatchObject({ status: 'unknown' });
    expect(await over().table.identify(9996)).toMatchObject({ status: 'unknown' });
  });

  test('a query that failed says nothing about anybody', async () => {
    const query = async (): Promise<string> => {
      throw new ProcessTableError('cim-failed', 'no answer in time');
    };
    const { table, sent } = over({ query });
    expect(await table.lookup(recorded())).toEqual({ status: 'unknown', reason: 'no answer in time' });
    expect(await table.identify(6432)).toMatchObject({ status: 'unknown' });
    expect(await table.signal(recorded(), 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
    expect(sent).toEqual([]);
    await expect(table.list()).rejects.toMatchObject({ code: 'cim-failed' });
    await expect(over({ answer: 'no JSON' }).table.list()).rejects.toMatchObject({ code: 'cim-failed' });
  });

  test('the signal goes out in the tick in which the query answered', async () => {
    let turned = false;
    const query = async (): Promise<string> => {
      setImmediate(() => (turned = true));
      return recordedAnswer;
    };
    const { table, sent } = over({ query });
    await table.signal(recorded(), 'SIGKILL');
    expect({ sent: sent.length, turned }).toEqual({ sent: 1, turned: false });
  });
});

describe('the Windows table', () => {
  test('takes the idle loop, which Windows lists as pid 0, for no process', async () => {
    expect(await over().table.identify(0)).toEqual({ status: 'dead', reason: 'gone' });
  });

  test('takes nobody for a relative whose parent only has the pid of the real one', async () => {
    const { table } = over();
    const below = await table.descendants(recorded());
    expect(below.map(({ identity }) => identity.pid)).toEqual([7012]);
  });

  test('puts nobody into a group or session with others', async () => {
    const rows = await over().table.list();
    expect(rows.every(({ identity, pgid, sid }) => pgid === identity.pid && sid === identity.pid)).toBe(true);
  });

  test('gives the command line as it is, and none that may not be seen', async () => {
    const { table } = over();
    expect(await table.commandLine(recorded())).toEqual([
      '"C:\\Program Files\\nodejs\\node.exe" "C:\\Users\\Zoë\\server.js" --name="a b"',
    ]);
    expect(await table.commandLine(recorded({ pid: 812, startToken: '639028224070000000' }))).toEqual([]);
    expect(await table.commandLine(recorded({ startToken: '639028224900000010' }))).toEqual([]);
    expect(await table.openDescriptors(recorded())).toBeUndefined();
  });

  test('asks once for what is asked at once, and again for a signal', async () => {
    const world = createCimWorld({ nowMs: () => 0 });
    const pid = await world.start();
    await Promise.all([world.table.list(), world.table.list(), world.table.groupMembers(pid)]);
    await world.table.list();
    expect(world.queries()).toBe(1);
    const found = await world.table.identify(pid);
    if (found.status !== 'alive') throw new Error(found.status);
    expect(world.queries()).toBe(2);
    await world.table.signal(found.process.identity, 'SIGKILL');
    expect(world.queries()).toBe(3);
    // What was listed before the signal is out of date.
    expect((await world.table.list()).map(({ identity }) => identity.pid)).toEqual([4]);
    expect(world.queries()).toBe(4);
  });
});
