import { describe, expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { startProcess } from '../../../tools/testing/real-process.js';
import { type ProcessRow, systemClock } from '../src/index.js';
import { createPosixTable } from '../src/posix/create-posix-table.js';
import { readPlace } from '../src/posix/read-place.js';
import { PROCPS } from './fixtures/ps-dialects.js';

const linux = process.platform === 'linux';
if (!linux) console.warn('skipped: the ps of procps needs Linux');

const table = createPosixTable({ dialect: PROCPS, place: () => readPlace('linux') });

const rowOf = async (pid: number): Promise<ProcessRow> => {
  const found = await table.identify(pid);
  if (found.status !== 'alive') throw new Error(`${pid} is ${found.status}: ${found.reason}`);
  return found.process;
};

describe.skipIf(!linux)('ps of procps', () => {
  test('identifies the process it runs in, completely, and refuses to signal it', async () => {
    const row = await rowOf(process.pid);
    expect(row).toMatchObject({ ppid: process.ppid, state: 'running' });
    const { startToken, bootId } = row.identity;
    const startedS = Date.now() / 1000 - process.uptime();
    expect(Math.abs(Number(startToken) - startedS)).toBeLessThan(60);
    expect(bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await table.signal(row.identity, 'SIGTERM')).toMatchObject({ outcome: 'refused' });
  });

  test('R20: refuses to signal the group it is in', async () => {
    const { pgid } = await rowOf(process.pid);
    const leader = await table.identify(pgid);
    if (!('process' in leader)) throw new Error(`the leader ${pgid} of this group is gone`);
    expect(await table.signalGroup(leader.process.identity, 'SIGCONT')).toMatchObject({ outcome: 'refused' });
  });

  test('says what this process uses', async () => {
    const { identity } = await rowOf(process.pid);
    const { user, system } = process.cpuUsage();
    const { cpuMs, memoryBytes, processes } = await table.usage([identity]);
    expect(processes).toBe(1);
    expect(Math.abs(cpuMs - (user + system) / 1000)).toBeLessThan(2_000);
    expect(memoryBytes / process.memoryUsage.rss()).toBeCloseTo(1, 0);
  });

  test('fault 34: a zombie is dead, and its group can still be signalled by its number', async () => {
    const script = 'sleep 60 & echo $!; exec sleep 60';
    await using parent = await startProcess('setsid', ['sh', '-c', script]);
    const { identity } = await rowOf(Number(await parent.line()));
    await table.signal(identity, 'SIGKILL');
    await eventually('its end', async () => (await table.lookup(identity)).status === 'dead');
    expect(await table.lookup(identity)).toMatchObject({ status: 'dead', reason: 'zombie' });
    expect(await table.signal(identity, 'SIGTERM')).toEqual({ outcome: 'gone' });
  });

  test('says with which arguments a process was started', async () => {
    await using child = await startProcess('sleep', ['60']);
    const { identity } = await rowOf(child.pid);
    await eventually('its arguments', async () => (await table.commandLine(identity)).join(' ') === 'sleep 60');
  });

  test('ps is nobody’s descendant, and leaves none behind', async () => {
    const { identity } = await rowOf(process.pid);
    const below = (await table.descendants(identity)).filter(({ command }) => command === 'ps');
    expect(below).toEqual([]);
    await systemClock.sleep(50);
    expect((await table.list()).filter(({ command, ppid }) => command === 'ps' && ppid === process.pid)).toEqual([]);
  });
});
