import { describe, expect, test } from 'vitest';
import { only, stage, target } from './support.js';

describe('the report', () => {
  test('survives JSON unchanged', async () => {
    const { table, run } = stage();
    const stuck = table.start({ unkillable: true });
    const leader = table.start();
    const hidden = table.start({ ignores: ['SIGTERM'] });
    const report = await run([target(stuck), target(leader), target(hidden)]);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report.startedAt).toBe('2026-01-01T00:00:00.000Z');
  });

  test('names every member seen once, also those that turned up on the way', async () => {
    const { table, run, clock } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    const child = table.start({ ppid: leader.pid });
    let late = 0;
    clock.after(150, () => {
      late = table.start({ ppid: leader.pid }).pid;
    });
    const report = await run([target(leader, { graceMs: 1000, known: [child] })]);
    expect(only(report).members).toEqual([leader.pid, child.pid, late]);
  });
});

describe('progress', () => {
  test('who was signalled, who is waited for and how long, and how it ended', async () => {
    const { table, run, events } = stage();
    const leader = table.start();
    const child = table.start({ ppid: leader.pid, ignores: ['SIGTERM'] });
    const id = `t${leader.pid}`;
    await run([target(leader, { graceMs: 100 })]);
    expect(events[0]).toEqual({ type: 'signalled', id, signal: 'SIGTERM', pids: [leader.pid, child.pid] });
    expect(events[1]).toEqual({ type: 'waiting', id, alive: [child.pid], forceInMs: 100 });
    expect(events.slice(-2)).toEqual([
      { type: 'signalled', id, signal: 'SIGKILL', pids: [child.pid] },
      { type: 'done', id, outcome: 'killed' },
    ]);
    const waits = events.flatMap((event) => (event.type === 'waiting' ? [event.forceInMs] : []));
    expect(waits).toEqual([...waits].sort((a, b) => b - a));
    expect(waits.at(-1)).toBeLessThan(100);
  });

  test('after SIGKILL there is nothing left to force', async () => {
    const { table, run, events } = stage();
    const stuck = table.start({ unkillable: true });
    await run([target(stuck, { graceMs: 10, killWaitMs: 100 })]);
    const killed = events.findIndex((event) => event.type === 'signalled' && event.signal === 'SIGKILL');
    const after = events.slice(killed + 1).flatMap((event) => (event.type === 'waiting' ? [event.forceInMs] : []));
    expect(after.length).toBeGreaterThan(1);
    expect(new Set(after)).toEqual(new Set([0]));
  });

  test('a dead target is done without having been signalled', async () => {
    const { table, run, events } = stage();
    const dead = table.start();
    table.exit(dead.pid);
    await run([target(dead)]);
    expect(events).toEqual([{ type: 'done', id: `t${dead.pid}`, outcome: 'gone' }]);
  });

  test('field failure 46: a listener that throws leaves nobody alive or frozen', async () => {
    const { table, run } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    const report = await run([target(leader, { graceMs: 10 })], {
      onProgress: () => {
        throw new Error('EPIPE');
      },
    });
    expect(report.ok).toBe(true);
    expect(await table.list()).toEqual([]);
  });
});
