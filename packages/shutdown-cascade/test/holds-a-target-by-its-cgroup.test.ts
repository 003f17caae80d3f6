import type { ProcessIdentity } from '@cm/process-table';
import type { FakeStart } from '@cm/process-table/testing';
import { describe, expect, test } from 'vitest';
import { type CascadeOptions, type CascadeReport, cgroupPath, isCgroupPath, type StopTarget } from '../src/index.js';
import { createFakeCgroups, type FakeCgroups } from './fixtures/fake-cgroups.js';
import { only, type Stage, sent, stage, target } from './support.js';

const PATH = cgroupPath('/cg', 'ours');

interface CgroupStage extends Omit<Stage, 'run'> {
  readonly cgroups: FakeCgroups;
  /** A leader in the cgroup, and the leader of a group and session. */
  leader(options?: FakeStart): ProcessIdentity;
  run(target: Partial<StopTarget> & Pick<StopTarget, 'identity'>, options?: CascadeOptions): Promise<CascadeReport>;
}

const inCgroup = (): CgroupStage => {
  const it = stage();
  const cgroups = createFakeCgroups(it.table);
  return {
    ...it,
    cgroups,
    leader: (options = {}) => {
      const identity = it.table.start({ cookie: 'ours', ...options });
      cgroups.put(PATH, identity);
      return identity;
    },
    run: ({ identity, ...rest }, options = {}) =>
      it.run([target(identity, { pgid: identity.pid, cookie: 'ours', cgroup: PATH, graceMs: 1000, ...rest })], {
        table: cgroups.table,
        cgroups,
        ...options,
      }),
  };
};

const STUBBORN = { ignores: ['SIGTERM'] } as const;

describe('the stop signal', () => {
  test('goes to the group of the leader at once, then to each outside it; CONT after it', async () => {
    const { cgroups, leader, run, signals } = inCgroup();
    const identity = leader(STUBBORN);
    const child = cgroups.fork(identity, STUBBORN);
    const daemon = cgroups.fork(identity, { ...STUBBORN, pgid: 77, sid: 77 });
    const report = await run({ identity });
    expect(cgroups.calls.slice(0, 2)).toEqual([`TERM -${identity.pid}`, `CONT -${identity.pid}`]);
    expect(signals().slice(0, 6)).toEqual([
      `TERM ${identity.pid}`,
      `TERM ${child.pid}`,
      `CONT ${identity.pid}`,
      `CONT ${child.pid}`,
      `TERM ${daemon.pid}`,
      `CONT ${daemon.pid}`,
    ]);
    expect(sent(only(report)).slice(0, 3)).toEqual([identity, child, daemon].map(({ pid }) => `TERM ${pid} @0`));
  });

  test('is noted also of a leader that has ended of it and is listed still, as a zombie is', async () => {
    const { cgroups, leader, run } = inCgroup();
    const identity = leader();
    cgroups.linger(identity);
    const report = only(await run({ identity }));
    expect([report.outcome, sent(report)]).toEqual(['exited', [`TERM ${identity.pid} @0`]]);
  });

  test('stopped members act on it because they are continued after it', async () => {
    const { cgroups, leader, run, table } = inCgroup();
    const identity = leader();
    const daemon = cgroups.fork(identity, { pgid: 77 });
    for (const one of [identity, daemon]) await table.signal(one, 'SIGSTOP');
    expect(only(await run({ identity }))).toMatchObject({ outcome: 'exited', durationMs: 0 });
  });

  test('goes to each alone where the leader has gone: its group may be nobody’s', async () => {
    const { cgroups, leader, run, signals } = inCgroup();
    const identity = leader();
    const child = cgroups.fork(identity);
    cgroups.exit(identity);
    expect(only(await run({ identity }))).toMatchObject({ outcome: 'exited', members: [child.pid] });
    expect(cgroups.calls).not.toContain(`TERM -${identity.pid}`);
    expect(signals()).toEqual([`TERM ${child.pid}`]);
  });

  test('newcomers get it too, once', async () => {
    const { cgroups, clock, leader, run, signals } = inCgroup();
    const identity = leader(STUBBORN);
    let late: ProcessIdentity | undefined;
    clock.after(300, () => {
      late = cgroups.fork(identity, { ...STUBBORN, pgid: 88 });
    });
    const report = await run({ identity });
    const asked = only(report).signals.filter(({ signal, to }) => signal === 'SIGTERM' && to === late?.pid);
    expect(asked).toHaveLength(1);
    // Within one look at who is there.
    expect(asked[0]?.atMs).toBeLessThanOrEqual(425);
    expect(signals().filter((signal) => signal === `CONT ${late?.pid}`)).toHaveLength(1);
    expect(only(report).members).toContain(late?.pid);
  });

  test('one that takes the number of a member that had been asked gets it as well', async () => {
    const { cgroups, clock, leader, run, table } = inCgroup();
    const identity = leader(STUBBORN);
    const child = cgroups.fork(identity, { pgid: 77 });
    clock.after(500, () => cgroups.put(PATH, table.start({ pid: child.pid, ppid: identity.pid, pgid: 99 })));
    clock.after(900, () => cgroups.exit(identity));
    const report = only(await run({ identity }));
    expect(report.outcome).toBe('exited');
    expect(report.signals.filter(({ to }) => to === child.pid)).toHaveLength(2);
  });

  test('R20: a pid that is never to be signalled, and came in later, gets nothing', async () => {
    const { cgroups, clock, leader, run, table, signals } = inCgroup();
    const identity = leader(STUBBORN);
    const caller = table.start();
    clock.after(300, () => cgroups.put(PATH, caller));
    const report = await run({ identity }, { never: new Set([caller.pid]) });
    expect(signals().filter((signal) => signal.endsWith(` ${caller.pid}`))).toEqual([]);
    expect(await table.lookup(caller)).toMatchObject({ status: 'alive' });
    expect(cgroups.calls.filter((call) => call.startsWith('kill'))).toEqual([]);
    // The others are found one by one.
    expect(await table.lookup(identity)).toMatchObject({ status: 'dead' });
    expect(only(report).outcome).not.toBe('exited');
  });
});

describe('the end of the grace', () => {
  test('kills the whole cgroup at once, not a moment before', async () => {
    const { cgroups, clock, leader, run, signals } = inCgroup();
    const identity = leader(STUBBORN);
    const child = cgroups.fork(identity, { ...STUBBORN, pgid: 77 });
    let early: string[] = [];
    clock.after(999, () => {
      early = cgroups.calls.filter((call) => call.startsWith('kill'));
    });
    const report = await run({ identity });
    expect(early).toEqual([]);
    expect(cgroups.calls.filter((call) => call.startsWith('kill'))).toEqual([`kill ${PATH}`]);
    expect(sent(only(report)).slice(-2)).toEqual([`KILL ${identity.pid} @1000`, `KILL ${child.pid} @1000`]);
    expect(signals().filter((signal) => /KILL|STOP/.test(signal))).toEqual([]);
    expect(report).toMatchObject({ ok: true, survivors: [], targets: [{ outcome: 'killed', durationMs: 1000 }] });
  });

  test('is left out where everybody obeyed', async () => {
    const { cgroups, leader, run } = inCgroup();
    const identity = leader();
    cgroups.fork(identity);
    expect(only(await run({ identity }))).toMatchObject({ outcome: 'exited', durationMs: 0 });
    expect(cgroups.calls.filter((call) => call.startsWith('kill'))).toEqual([]);
  });

  test('kills again whoever comes in afterwards, and each is on record once', async () => {
    const { cgroups, clock, leader, run, table } = inCgroup();
    const identity = leader(STUBBORN);
    const stuck = cgroups.fork(identity, STUBBORN);
    cgroups.stick(stuck);
    let late: ProcessIdentity | undefined;
    clock.after(1200, () => {
      late = cgroups.fork(stuck);
    });
    clock.after(1700, () => cgroups.exit(stuck));
    const report = await run({ identity, killWaitMs: 1000 });
    expect(only(report)).toMatchObject({ outcome: 'killed', members: [identity.pid, stuck.pid, late?.pid] });
    expect(await table.list()).toEqual([]);
    const killed = only(report).signals.filter(({ signal }) => signal === 'SIGKILL');
    expect(killed.map(({ to }) => to)).toEqual([identity.pid, stuck.pid, late?.pid]);
    expect(killed[2]?.atMs).toBeLessThanOrEqual(1325);
    expect(cgroups.calls.filter((call) => call.startsWith('kill'))).toHaveLength(2);
  });

  test('whom not even that ends has survived', async () => {
    const { cgroups, leader, run } = inCgroup();
    const identity = leader(STUBBORN);
    const stuck = cgroups.fork(identity, STUBBORN);
    cgroups.stick(stuck);
    const report = await run({ identity, killWaitMs: 500 });
    expect(report).toMatchObject({ ok: false, survivors: [{ pid: stuck.pid }], escaped: [], durationMs: 1500 });
    expect(only(report).outcome).toBe('survived');
    expect(cgroups.calls).not.toContain(`remove ${PATH}`);
  });

  test('where the kernel refuses, whoever is in it is ended one by one', async () => {
    const { cgroups, leader, run, table } = inCgroup();
    const identity = leader(STUBBORN);
    // Nothing but the cgroup shows that it belongs to the target.
    const cleared = table.start({ ...STUBBORN, ppid: 1 });
    cgroups.put(PATH, cleared);
    cgroups.refuseKill();
    const report = await run({ identity });
    expect(report).toMatchObject({ ok: true, survivors: [], targets: [{ outcome: 'killed' }] });
    expect(only(report).members).toEqual([identity.pid, cleared.pid]);
    expect(sent(only(report)).filter((line) => line.startsWith('KILL'))).toEqual([
      `KILL ${identity.pid} @1000`,
      `KILL ${cleared.pid} @1000`,
    ]);
    expect(await table.list()).toEqual([]);
    expect(cgroups.calls.at(-1)).toBe(`remove ${PATH}`);
  });
});

describe('what is outside the cgroup', () => {
  test('the known that was moved away is found by its identity, and ended', async () => {
    const { leader, run, signals, table } = inCgroup();
    const identity = leader(STUBBORN);
    const away = table.start({ ...STUBBORN, ppid: 1 });
    const below = table.start({ ...STUBBORN, ppid: away.pid });
    const report = await run({ identity, known: [away] });
    expect(only(report)).toMatchObject({ outcome: 'killed' });
    expect([...only(report).members].sort()).toEqual([identity.pid, away.pid, below.pid]);
    for (const one of [away, below]) expect(sent(only(report))).toContain(`TERM ${one.pid} @0`);
    // And frozen before, at the same moment as the cgroup is killed.
    for (const one of [away, below]) expect(sent(only(report))).toContain(`KILL ${one.pid} @1000`);
    expect(signals()).toContain(`STOP ${away.pid}`);
    // Those inside are stopped by their cgroup alone, whatever else shows whose they are.
    expect(signals().filter((signal) => signal.endsWith(` ${identity.pid}`))).toEqual([
      `TERM ${identity.pid}`,
      `CONT ${identity.pid}`,
    ]);
    expect(await table.list()).toEqual([]);
  });

  test('the leader that was moved away is asked and killed like a member', async () => {
    const { cgroups, leader, run, table } = inCgroup();
    const identity = leader(STUBBORN);
    cgroups.fork(identity, STUBBORN);
    cgroups.move(identity);
    expect(only(await run({ identity })).outcome).toBe('killed');
    expect(await table.list()).toEqual([]);
  });

  test('who carries the cookie is found before the target is called empty', async () => {
    const { cgroups, leader, run, table } = inCgroup();
    const identity = leader();
    const away = cgroups.fork(identity, { cookie: 'ours', pgid: 77 });
    cgroups.move(away);
    const report = await run({ identity });
    expect(only(report)).toMatchObject({ outcome: 'exited', members: [away.pid, identity.pid] });
    expect(await table.list()).toEqual([]);
  });
});

describe('a cgroup that is left alone', () => {
  test('R20: one that holds a pid that is never to be signalled: its members are found by themselves', async () => {
    const { cgroups, leader, run, table, signals } = inCgroup();
    const identity = leader(STUBBORN);
    const caller = table.start();
    cgroups.put(PATH, caller);
    const report = await run({ identity }, { never: new Set([caller.pid]) });
    expect(only(report)).toMatchObject({ outcome: 'killed', members: [identity.pid] });
    expect(cgroups.calls.filter((call) => call.startsWith('kill') || call.startsWith('remove'))).toEqual([]);
    expect(signals().filter((signal) => signal.endsWith(` ${caller.pid}`))).toEqual([]);
  });

  test.each([
    '/cg',
    '/cg/worker',
    '/cg/cm-',
    '/cg/cm-0123456789abcdef',
    `${PATH}0`,
    `${PATH}/below`,
    `/cg/../etc/${PATH.slice('/cg/'.length)}`,
    PATH.slice(1),
    PATH.toUpperCase(),
    '',
  ])('%s, which none of ours has: never killed, never removed', async (path) => {
    const { cgroups, leader, run, table } = inCgroup();
    const identity = leader(STUBBORN);
    const stranger = table.start(STUBBORN);
    cgroups.put(path, identity, stranger);
    const report = await run({ identity, cgroup: path });
    expect(only(report)).toMatchObject({ outcome: 'killed', members: [identity.pid] });
    expect(cgroups.calls.filter((call) => call.endsWith(` ${path}`))).toEqual([]);
    expect(await table.lookup(stranger)).toMatchObject({ status: 'alive' });
  });

  test('the path of a key is one of ours, says nothing of the key, and is always the same', () => {
    expect(isCgroupPath(PATH)).toBe(true);
    expect(PATH).toMatch(/^\/cg\/cm-[0-9a-f]{32}$/);
    expect(cgroupPath('/cg', 'ours')).toBe(PATH);
    expect(cgroupPath('/cg', 'theirs')).not.toBe(PATH);
  });

  test('fault 14: one whose files cannot be read: its members are found by themselves', async () => {
    const { cgroups, leader, run, table } = inCgroup();
    const identity = leader(STUBBORN);
    const child = cgroups.fork(identity, STUBBORN);
    cgroups.exhaust();
    expect(only(await run({ identity }))).toMatchObject({ outcome: 'killed', members: [identity.pid, child.pid] });
    expect(await table.list()).toEqual([]);
  });

  test('fault 14: one whose files can be read no longer: what is in it is ended all the same', async () => {
    const { cgroups, clock, leader, run, table } = inCgroup();
    const identity = leader(STUBBORN);
    clock.after(300, () => cgroups.exhaust());
    const report = await run({ identity });
    expect(await table.list()).toEqual([]);
    // It may have emptied, but nothing says so.
    expect(report).toMatchObject({ ok: false });
  });
});

describe('the end of a cgroup', () => {
  test('it is removed once it is empty', async () => {
    const { cgroups, leader, run } = inCgroup();
    await run({ identity: leader() });
    expect(cgroups.calls.filter((call) => call === `remove ${PATH}`)).toHaveLength(1);
    expect(cgroups.isPopulated(PATH)).toBe(false);
  });

  test('fault 33: it is known at once when the kernel announces it', async () => {
    const { cgroups, clock, leader, run } = inCgroup();
    const identity = leader(STUBBORN);
    clock.after(400, () => cgroups.exit(identity));
    const { durationMs } = only(await run({ identity, graceMs: 60_000 }));
    expect(durationMs).toBeLessThanOrEqual(425);
  });

  test('and soon when it does not', async () => {
    const { cgroups, clock, leader, run } = inCgroup();
    const identity = leader(STUBBORN);
    cgroups.silence();
    clock.after(400, () => cgroups.exit(identity));
    const { durationMs } = only(await run({ identity, graceMs: 60_000 }));
    expect(durationMs).toBeLessThanOrEqual(550);
  });
});

describe('who cannot be counted by the list of a cgroup', () => {
  test('fault 34: a zombie that is listed still does not hold up the end', async () => {
    const { cgroups, leader, run } = inCgroup();
    const identity = leader();
    cgroups.linger(identity);
    expect(only(await run({ identity }))).toMatchObject({ outcome: 'exited', durationMs: 0 });
  });

  test('a process of a PID namespace that is not below this one has no number here: it is killed all the same', async () => {
    const { cgroups, leader, run, table } = inCgroup();
    const identity = leader(STUBBORN);
    cgroups.exit(identity);
    const nameless = table.start(STUBBORN);
    cgroups.put(PATH, nameless);
    cgroups.veil(nameless);
    const report = await run({ identity });
    expect(only(report)).toMatchObject({ outcome: 'killed', members: [], durationMs: 1000 });
    expect(await table.lookup(nameless)).toMatchObject({ status: 'dead' });
  });
});

describe('the telling', () => {
  test('who was signalled, who is waited for, and how it ended, the members of the cgroup included', async () => {
    const { cgroups, events, leader, run } = inCgroup();
    const identity = leader(STUBBORN);
    const child = cgroups.fork(identity, { ...STUBBORN, pgid: 77 });
    const pids = [identity.pid, child.pid];
    const report = await run({ identity });
    const id = only(report).id;
    expect(events[0]).toEqual({ type: 'signalled', id, signal: 'SIGTERM', pids });
    expect(events[1]).toEqual({ type: 'waiting', id, alive: pids, forceInMs: 1000 });
    expect(events).toContainEqual({ type: 'signalled', id, signal: 'SIGKILL', pids });
    expect(events.at(-1)).toEqual({ type: 'done', id, outcome: 'killed' });
    expect(only(report).members).toEqual(pids);
  });
});

describe('an end before the end', () => {
  test('an abort ends the stop at once; what is alive has survived, and gets nothing more', async () => {
    const { cgroups, clock, leader, run, table } = inCgroup();
    const identity = leader(STUBBORN);
    const child = cgroups.fork(identity, STUBBORN);
    const abort = new AbortController();
    clock.after(300, () => abort.abort());
    const report = await run({ identity, graceMs: 60_000 }, { signal: abort.signal });
    expect(report).toMatchObject({ ok: false, targets: [{ outcome: 'survived' }] });
    expect(report.durationMs).toBeLessThanOrEqual(325);
    expect(report.survivors.map(({ pid }) => pid)).toEqual([identity.pid, child.pid]);
    expect(cgroups.calls.filter((call) => call.startsWith('kill'))).toEqual([]);
    expect(await table.lookup(identity)).toMatchObject({ status: 'alive', process: { state: 'running' } });
  });

  test('the same without a cgroup', async () => {
    const { clock, run, signals, table } = inCgroup();
    const identity = table.start({ ...STUBBORN, cookie: 'ours' });
    const abort = new AbortController();
    clock.after(300, () => abort.abort());
    const report = await run({ identity, graceMs: 60_000, cgroup: undefined }, { signal: abort.signal });
    expect(report).toMatchObject({ ok: false, survivors: [{ pid: identity.pid }] });
    expect(report.durationMs).toBeLessThanOrEqual(325);
    expect(signals()).toEqual([`TERM ${identity.pid}`, `CONT ${identity.pid}`]);
  });

  test('aborted before it began: nothing is sent', async () => {
    const { leader, run, signals } = inCgroup();
    const identity = leader();
    const report = await run({ identity }, { signal: AbortSignal.abort() });
    expect(report).toMatchObject({ ok: false, durationMs: 0, survivors: [{ pid: identity.pid }] });
    expect(signals()).toEqual([]);
  });

  test('no listener is left on the abort signal', async () => {
    const { leader, run } = inCgroup();
    const { signal } = new AbortController();
    const added: unknown[] = [];
    const removed: unknown[] = [];
    signal.addEventListener = (_: string, listener: unknown) => void added.push(listener);
    signal.removeEventListener = (_: string, listener: unknown) => void removed.push(listener);
    await run({ identity: leader() }, { signal });
    expect(added).not.toEqual([]);
    for (const listener of added) expect(removed).toContain(listener);
  });

  test('force kills the cgroup at once', async () => {
    const { cgroups, clock, leader, run } = inCgroup();
    const identity = leader(STUBBORN);
    const force = new AbortController();
    clock.after(300, () => force.abort());
    const report = await run({ identity, graceMs: 60_000 }, { force: force.signal });
    expect(only(report).outcome).toBe('killed');
    expect(report.durationMs).toBeLessThanOrEqual(325);
    expect(cgroups.calls).toContain(`kill ${PATH}`);
  });
});
