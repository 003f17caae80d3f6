import { describe, expect, test } from 'vitest';
import { createFakeProcessTable } from '../src/testing.js';

describe('the fake process table', () => {
  test('records every signal that reached a process, in order', async () => {
    const table = createFakeProcessTable();
    const stubborn = table.start({ ignores: ['SIGTERM'] });
    await table.signal(stubborn, 'SIGTERM');
    await table.signal(stubborn, 'SIGKILL');
    await table.signal(stubborn, 'SIGKILL');
    expect(table.signals).toEqual([
      { pid: stubborn.pid, signal: 'SIGTERM' },
      { pid: stubborn.pid, signal: 'SIGKILL' },
    ]);
    expect(await table.lookup(stubborn)).toEqual({ status: 'dead', reason: 'gone' });
  });

  test('a process in uninterruptible sleep survives even SIGKILL', async () => {
    const table = createFakeProcessTable();
    const stuck = table.start({ unkillable: true });
    expect(await table.signal(stuck, 'SIGKILL')).toEqual({ outcome: 'sent' });
    expect(await table.lookup(stuck)).toMatchObject({ status: 'alive' });
  });

  test('fault 1: a reused pid belongs to an innocent, whom no signal for the old holder reaches', async () => {
    const table = createFakeProcessTable();
    const old = table.start();
    const innocent = table.reusePid(old.pid);
    expect(innocent.pid).toBe(old.pid);
    expect(await table.signal(old, 'SIGKILL')).toMatchObject({ outcome: 'foreign' });
    expect(table.signals).toEqual([]);
    expect(await table.lookup(innocent)).toMatchObject({ status: 'alive', process: { command: 'innocent' } });
  });

  test('a hidden process is unknown and not listed', async () => {
    const table = createFakeProcessTable();
    const hidden = table.start();
    table.hide(hidden.pid);
    expect(await table.lookup(hidden)).toMatchObject({ status: 'unknown' });
    expect(await table.signal(hidden, 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
    expect(await table.list()).toEqual([]);
  });

  test('a zombie is dead, listed, and has given its children away', async () => {
    const table = createFakeProcessTable();
    const parent = table.start();
    const child = table.start({ ppid: parent.pid });
    table.exit(parent.pid, 'zombie');
    expect(await table.lookup(parent)).toMatchObject({
      status: 'dead',
      reason: 'zombie',
      process: { identity: parent },
    });
    expect(await table.list()).toMatchObject([{ state: 'zombie' }, { identity: child, ppid: 1 }]);
    expect(await table.descendants(parent)).toEqual([]);
  });

  test('a zombie with the pid of another record is not that record’s', async () => {
    const table = createFakeProcessTable();
    const old = table.start();
    table.reusePid(old.pid);
    table.exit(old.pid, 'zombie');
    expect(await table.lookup(old)).toEqual({ status: 'dead', reason: 'reused' });
  });

  test('a zombie is nobody’s living descendant', async () => {
    const table = createFakeProcessTable();
    const parent = table.start();
    const child = table.start({ ppid: parent.pid });
    expect(await table.descendants(parent)).toMatchObject([{ identity: child }]);
    table.exit(child.pid, 'zombie');
    expect(await table.descendants(parent)).toEqual([]);
  });

  test('a stopped process ends at SIGKILL at once', async () => {
    const table = createFakeProcessTable();
    const stopped = table.start();
    await table.signal(stopped, 'SIGSTOP');
    await table.signal(stopped, 'SIGKILL');
    expect(await table.lookup(stopped)).toEqual({ status: 'dead', reason: 'gone' });
  });
});
