import { describe, expect, test } from 'vitest';
import { stage, target } from './support.js';

describe('targets that are stopped together', () => {
  test('each process gets one stop signal, also where all carry the cookie of one scope', async () => {
    const { table, run, signals } = stage();
    const old = table.start({ cookie: 'scope' });
    const young = table.start({ cookie: 'scope' });
    const below = table.start({ ppid: old.pid, pgid: old.pid, cookie: 'scope' });
    const { targets } = await run([target(old, { cookie: 'scope' }), target(young, { cookie: 'scope' })]);
    expect(signals().filter((signal) => signal.startsWith('TERM'))).toEqual([
      `TERM ${young.pid}`,
      `TERM ${old.pid}`,
      `TERM ${below.pid}`,
    ]);
    expect(targets.map(({ pid, members }) => ({ pid, members }))).toEqual([
      { pid: young.pid, members: [young.pid] },
      { pid: old.pid, members: [old.pid, below.pid] },
    ]);
  });

  test('nobody is killed on another’s clock', async () => {
    const { table, run, clock } = stage();
    const patient = table.start({ cookie: 'scope', ignores: ['SIGTERM'] });
    const hasty = table.start({ cookie: 'scope', ignores: ['SIGTERM'] });
    clock.after(900, () => table.exit(patient.pid));
    const { targets } = await run([
      target(patient, { cookie: 'scope', graceMs: 1000 }),
      target(hasty, { cookie: 'scope', graceMs: 100 }),
    ]);
    expect(targets.map(({ outcome }) => outcome)).toEqual(['killed', 'exited']);
  });

  test('what nothing but a shared cookie shows goes to the newest that is still open', async () => {
    const { table, run, clock } = stage();
    const old = table.start({ cookie: 'scope', ignores: ['SIGTERM'] });
    const young = table.start({ cookie: 'scope' });
    const orphan = table.start({ cookie: 'scope' });
    let late = 0;
    clock.after(200, () => {
      late = table.start({ cookie: 'scope' }).pid;
    });
    const { ok, targets } = await run([
      target(old, { cookie: 'scope', graceMs: 400 }),
      target(young, { cookie: 'scope' }),
    ]);
    expect(ok).toBe(true);
    expect(targets.map(({ members }) => members)).toEqual([
      [young.pid, orphan.pid],
      [old.pid, late],
    ]);
    expect(await table.list()).toEqual([]);
  });

  test.each(['outer', 'inner'])('a target below another one is stopped as itself, the %s one first', async (first) => {
    const { table, run } = stage();
    const outer = table.start({ cookie: 'outer' });
    const inner = table.start({ ppid: outer.pid, cookie: 'outer', ignores: ['SIGTERM'] });
    const below = table.start({ ppid: inner.pid, cookie: 'outer' });
    const { targets } = await run([
      target(inner, { graceMs: 50, order: 1 }),
      target(outer, { graceMs: 9000, order: first === 'outer' ? 2 : 0, cookie: 'outer' }),
    ]);
    const shown = targets.map(({ pid, members, outcome }) => ({ pid, members, outcome }));
    expect(shown).toHaveLength(2);
    expect(shown).toContainEqual({ pid: outer.pid, members: [outer.pid], outcome: 'exited' });
    expect(shown).toContainEqual({ pid: inner.pid, members: [inner.pid, below.pid], outcome: 'killed' });
  });

  test('a recorded pid that another target’s process has now takes nothing from that target', async () => {
    const { table, run } = stage();
    const old = table.start();
    const leader = table.start();
    const member = table.reusePid(old.pid, { ppid: leader.pid });
    const { targets } = await run([target(leader), target(old)]);
    expect(targets).toMatchObject([
      { pid: old.pid, outcome: 'foreign', members: [], signals: [] },
      { pid: leader.pid, outcome: 'exited', members: [leader.pid, member.pid] },
    ]);
  });

  test('survivors of a target that was given up are not pursued by another', async () => {
    const { table, run } = stage();
    const stuck = table.start({ cookie: 'scope', unkillable: true });
    const below = table.start({ ppid: stuck.pid, cookie: 'scope', unkillable: true });
    const other = table.start({ cookie: 'scope', ignores: ['SIGTERM'] });
    const { targets, survivors } = await run([
      target(other, { cookie: 'scope', graceMs: 3000 }),
      target(stuck, { cookie: 'scope', graceMs: 10, killWaitMs: 10 }),
    ]);
    expect(targets.map(({ outcome, members }) => ({ outcome, members }))).toEqual([
      { outcome: 'survived', members: [stuck.pid, below.pid] },
      { outcome: 'killed', members: [other.pid] },
    ]);
    expect(survivors.map(({ pid }) => pid)).toEqual([stuck.pid, below.pid]);
  });
});
