import { ProcessTableError } from '@cm/process-table';
import { describe, expect, test } from 'vitest';
import { only, sent, stage, target } from './support.js';

describe('exited', () => {
  test('everybody obeyed the stop signal: no SIGKILL, no more waiting than that takes', async () => {
    const { table, run, clock } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    clock.after(400, () => table.exit(leader.pid));
    const report = await run([target(leader)]);
    expect(only(report)).toMatchObject({ id: `t${leader.pid}`, pid: leader.pid, outcome: 'exited' });
    expect(sent(only(report))).toEqual([`TERM ${leader.pid} @0`]);
    expect(report).toMatchObject({ ok: true, survivors: [], escaped: [] });
    // Fault 33: within one look of the end, not at the end of the grace.
    expect(only(report).durationMs).toBeGreaterThanOrEqual(400);
    expect(only(report).durationMs).toBeLessThanOrEqual(425);
  });

  test('it ended by itself just when SIGKILL was due: nothing was killed', async () => {
    const { table, run, clock } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    clock.after(1000, () => table.exit(leader.pid));
    expect(only(await run([target(leader, { graceMs: 1000 })])).outcome).toBe('exited');
    expect(table.signals.map(({ signal }) => signal)).not.toContain('SIGKILL');
  });
});

describe('killed', () => {
  test('SIGKILL was needed', async () => {
    const { table, run, signals } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    const report = await run([target(leader)]);
    expect(only(report).outcome).toBe('killed');
    expect(report.ok).toBe(true);
    expect(sent(only(report))).toEqual([`TERM ${leader.pid} @0`, `KILL ${leader.pid} @5000`]);
    expect(signals()).toEqual([`TERM ${leader.pid}`, `CONT ${leader.pid}`, `STOP ${leader.pid}`, `KILL ${leader.pid}`]);
  });

  test('also when the set has emptied only by the very end of the wait', async () => {
    const { table, run, clock } = stage();
    const leader = table.start({ unkillable: true });
    clock.after(1200, () => table.exit(leader.pid));
    const report = await run([target(leader, { graceMs: 200, killWaitMs: 1000 })]);
    expect(only(report)).toMatchObject({ outcome: 'killed', durationMs: 1200 });
  });
});

describe('survived', () => {
  test('R21: the survivors are listed, the dead are not', async () => {
    const { table, run } = stage();
    const leader = table.start({ unkillable: true });
    const dies = table.start({ ppid: leader.pid, ignores: ['SIGTERM'] });
    const stays = table.start({ ppid: leader.pid, unkillable: true });
    // So short that no other reason to look at all of them comes up in between.
    const report = await run([target(leader, { graceMs: 10, killWaitMs: 30 })]);
    expect(report).toMatchObject({ ok: false, escaped: [] });
    expect(only(report).outcome).toBe('survived');
    expect(only(report).members).toEqual([leader.pid, dies.pid, stays.pid]);
    expect(report.survivors).toEqual([
      { id: `t${leader.pid}`, pid: leader.pid },
      { id: `t${leader.pid}`, pid: stays.pid },
    ]);
  });

  test('R20: a target that is never signalled is not called gone', async () => {
    const { table, run, signals } = stage();
    const caller = table.start();
    const report = await run([target(caller)], { never: new Set([caller.pid]) });
    expect(only(report)).toMatchObject({ outcome: 'survived', signals: [], members: [] });
    expect(report).toMatchObject({ ok: false, survivors: [{ pid: caller.pid }] });
    expect(signals()).toEqual([]);
  });

  test('R20: this process and its parent are never signalled', async () => {
    const { table, run, signals } = stage();
    const own = table.start({ pid: process.pid });
    const parent = table.start({ pid: process.ppid });
    const { targets } = await run([target(own), target(parent)]);
    expect(targets.map(({ outcome }) => outcome)).toEqual(['survived', 'survived']);
    expect(signals()).toEqual([]);
  });

  test.each([0, 1, -1, 1.5])('R20: pid %s is never signalled', async (pid) => {
    const { table, run, signals } = stage();
    const identity = table.start({ pid });
    const report = await run([target(identity, { pgid: pid })]);
    expect(only(report).signals).toEqual([]);
    expect(report.ok).toBe(false);
    expect(signals()).toEqual([]);
  });
});

describe('escaped', () => {
  test('a member was seen, and can be seen no longer', async () => {
    const { table, run, clock } = stage();
    const leader = table.start();
    const child = table.start({ ppid: leader.pid, ignores: ['SIGTERM'] });
    clock.after(40, () => table.hide(child.pid));
    const report = await run([target(leader, { graceMs: 200 })]);
    expect(only(report).outcome).toBe('escaped');
    expect(report).toMatchObject({ ok: false, survivors: [] });
    expect(report.escaped).toEqual([{ id: `t${leader.pid}`, pid: child.pid }]);
  });

  test('but one that can be seen again in time is killed', async () => {
    const { table, run, clock } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    let blind = false;
    clock.after(40, () => {
      blind = true;
    });
    clock.after(90, () => {
      blind = false;
    });
    const short = {
      ...table,
      lookup: async (identity: typeof leader) =>
        blind ? { status: 'unknown' as const, reason: 'EMFILE' } : table.lookup(identity),
    };
    const report = await run([target(leader, { graceMs: 200 })], { table: short });
    expect(only(report).outcome).toBe('killed');
    expect(await table.list()).toEqual([]);
  });
});

describe('gone', () => {
  test('R16: dead rows cost no waiting, however many', async () => {
    const { table, run, clock, signals } = stage();
    const dead = Array.from({ length: 50 }, () => table.start());
    for (const { pid } of dead) table.exit(pid);
    const zombie = table.start();
    table.exit(zombie.pid, 'zombie');
    const earlier = { ...table.start(), bootId: 'earlier' };
    const report = await run([...dead, zombie, earlier].map((identity) => target(identity)));
    expect(new Set(report.targets.map(({ outcome }) => outcome))).toEqual(new Set(['gone']));
    expect(report).toMatchObject({ ok: true, durationMs: 0 });
    expect(clock.monotonicMs()).toBe(0);
    expect(signals()).toEqual([]);
  });

  test('R16: nor do they wait for those that live', async () => {
    const { table, run } = stage();
    const dead = table.start();
    table.exit(dead.pid);
    const stubborn = table.start({ ignores: ['SIGTERM'] });
    const { targets } = await run([target(dead), target(stubborn)]);
    expect(targets.map(({ outcome, durationMs }) => ({ outcome, durationMs }))).toEqual([
      { outcome: 'killed', durationMs: 5000 },
      { outcome: 'gone', durationMs: 0 },
    ]);
  });

  test('a dead leader is not a dead set', async () => {
    const { table, run } = stage();
    const leader = table.start({ cookie: 'ours' });
    const daemon = table.start({ cookie: 'ours' });
    table.exit(leader.pid);
    expect(only(await run([target(leader, { cookie: 'ours' })]))).toMatchObject({
      outcome: 'exited',
      members: [daemon.pid],
    });
  });

  test('nothing to stop is a report like any other', async () => {
    expect(await stage().run([])).toEqual({
      ok: true,
      startedAt: '2026-01-01T00:00:00.000Z',
      durationMs: 0,
      targets: [],
      survivors: [],
      escaped: [],
    });
  });
});

describe('foreign', () => {
  test('field failure 4, fault 1: the pid has another holder, who is not signalled', async () => {
    const { table, run, signals } = stage();
    const old = table.start();
    const innocent = table.reusePid(old.pid);
    const report = await run([target(old, { pgid: old.pid, known: [old] })]);
    expect(only(report)).toMatchObject({ outcome: 'foreign', signals: [], members: [], durationMs: 0 });
    expect(report.ok).toBe(true);
    expect(signals()).toEqual([]);
    expect(await table.lookup(innocent)).toMatchObject({ status: 'alive' });
  });

  test('fault 5: the pid is handed out again during the grace', async () => {
    const { table, run, clock, signals } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    clock.after(300, () => table.reusePid(leader.pid));
    expect(only(await run([target(leader)])).outcome).toBe('exited');
    expect(signals()).toEqual([`TERM ${leader.pid}`, `CONT ${leader.pid}`]);
  });
});

describe('unknown', () => {
  test.each([
    ['another machine', { machineId: 'another' }],
    ['another PID namespace', { pidNs: 'pid:[2]' }],
    ['no start token', { startToken: '' }],
  ])('fault 3: recorded on %s: nothing is sent', async (_, part) => {
    const { table, run, signals } = stage();
    const identity = table.start();
    const recorded = { ...identity, ...part };
    const compare: typeof table.lookup = async (asked) =>
      asked.startToken === '' ? { status: 'unknown', reason: 'no start token' } : table.lookup(asked);
    const report = await run([target(recorded, { pgid: identity.pid })], { table: { ...table, lookup: compare } });
    expect(only(report)).toMatchObject({ outcome: 'unknown', signals: [], members: [] });
    expect(report).toMatchObject({ ok: false, survivors: [], escaped: [] });
    expect(signals()).toEqual([]);
  });

  test('a process that cannot be read', async () => {
    const { table, run, signals } = stage();
    const hidden = table.start();
    table.hide(hidden.pid);
    expect(only(await run([target(hidden)])).outcome).toBe('unknown');
    expect(signals()).toEqual([]);
  });

  test('members are stopped, but a leader that could not be identified is not called dead', async () => {
    const { table, run, signals } = stage();
    const leader = table.start();
    const member = table.start({ cookie: 'ours' });
    table.hide(leader.pid);
    const report = await run([target(leader, { cookie: 'ours' })]);
    expect(only(report)).toMatchObject({ outcome: 'unknown', members: [member.pid] });
    expect(report.ok).toBe(false);
    expect(signals()).toEqual([`TERM ${member.pid}`]);
  });

  test('nor is a known member that could not be identified', async () => {
    const { table, run } = stage();
    const leader = table.start();
    const known = table.start();
    table.hide(known.pid);
    expect(only(await run([target(leader, { known: [known] })])).outcome).toBe('unknown');
  });
});

describe('when processes cannot be listed', () => {
  const unreadable = (): Promise<never> => Promise.reject(new ProcessTableError('unreadable-proc', 'EMFILE'));

  test('fault 14: at the start it rejects before anything is sent', async () => {
    const { table, run, signals } = stage();
    const leader = table.start();
    await expect(run([target(leader)], { table: { ...table, list: unreadable } })).rejects.toMatchObject({
      code: 'unreadable-proc',
    });
    expect(signals()).toEqual([]);
  });

  test('fault 14: later on it goes on as far as it can see, and ends what it has begun', async () => {
    const { table, run, clock } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    let short = false;
    clock.after(10, () => {
      short = true;
    });
    clock.after(700, () => {
      short = false;
    });
    const flaky: typeof table.list = (options) => (short ? unreadable() : table.list(options));
    const report = await run([target(leader, { graceMs: 500 })], { table: { ...table, list: flaky } });
    // Dead at 500 ms; known to have left nobody behind only when all could be listed again.
    expect(only(report).outcome).toBe('killed');
    expect(sent(only(report))).toEqual([`TERM ${leader.pid} @0`, `KILL ${leader.pid} @500`]);
    expect(only(report).durationMs).toBeGreaterThanOrEqual(700);
    expect(only(report).durationMs).toBeLessThanOrEqual(725);
  });

  test('fault 14: and if it stays so, nothing is claimed', async () => {
    const { table, run, clock } = stage();
    const leader = table.start();
    let lists = 0;
    const once: typeof table.list = (options) => {
      lists += 1;
      return lists === 1 ? table.list(options) : unreadable();
    };
    const report = await run([target(leader)], { table: { ...table, list: once } });
    expect(report.ok).toBe(false);
    expect(only(report).outcome).toBe('escaped');
    expect(clock.monotonicMs()).toBe(6000);
  });

  test('fault 14: whom SIGKILL could not reach is tried again', async () => {
    const { table, run, clock } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    const short: typeof table.signal = async (identity, signal) =>
      signal === 'SIGKILL' && clock.monotonicMs() < 300
        ? { outcome: 'unknown', reason: 'EMFILE' }
        : table.signal(identity, signal);
    const report = await run([target(leader, { graceMs: 200 })], { table: { ...table, signal: short } });
    expect(only(report).outcome).toBe('killed');
    expect(await table.list()).toEqual([]);
  });

  test('any other failure of the table is not swallowed', async () => {
    const { table, run } = stage();
    const leader = table.start();
    let lists = 0;
    const broken: typeof table.list = async (options) => {
      lists += 1;
      if (lists > 1) throw new RangeError('broken');
      return table.list(options);
    };
    await expect(run([target(leader)], { table: { ...table, list: broken } })).rejects.toBeInstanceOf(RangeError);
  });
});
