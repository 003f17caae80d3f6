import { describe, expect, test } from 'vitest';
import { only, sent, stage, target } from './support.js';

describe('the order', () => {
  test('S3, R5: the stop signal goes to all, newest first, before anything is waited for', async () => {
    const { table, run, clock, signals } = stage();
    const [first, second, third] = [1, 2, 3].map(() => table.start({ ignores: ['SIGTERM'] }));
    if (first === undefined || second === undefined || third === undefined) throw new Error('no processes');
    let atOnce: string[] = [];
    clock.after(1, () => {
      atOnce = signals();
    });
    const report = await run([target(first), target(second), target(third)]);
    expect(atOnce.filter((signal) => signal.startsWith('TERM'))).toEqual(
      [third, second, first].map(({ pid }) => `TERM ${pid}`),
    );
    expect(report.targets.map(({ pid }) => pid)).toEqual([third.pid, second.pid, first.pid]);
    // Nobody waits for anybody: the graces run side by side.
    expect(report.durationMs).toBe(5000);
  });

  test('the leader first, then its members; CONT after all of them were asked', async () => {
    const { table, run, signals } = stage();
    const leader = table.start({ ignores: ['SIGINT'] });
    const child = table.start({ ppid: leader.pid, ignores: ['SIGINT'] });
    await run([target(leader, { stopSignal: 'SIGINT' })]);
    expect(signals().slice(0, 4)).toEqual([
      `INT ${leader.pid}`,
      `INT ${child.pid}`,
      `CONT ${leader.pid}`,
      `CONT ${child.pid}`,
    ]);
  });

  test('a stopped process acts on the stop signal because it is continued', async () => {
    const { table, run } = stage();
    const leader = table.start();
    await table.signal(leader, 'SIGSTOP');
    expect(only(await run([target(leader)]))).toMatchObject({ outcome: 'exited', durationMs: 0 });
  });

  test('everybody is frozen before anybody is killed', async () => {
    const { table, run, signals } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    const child = table.start({ ppid: leader.pid, ignores: ['SIGTERM'] });
    await run([target(leader, { graceMs: 100 })]);
    expect(signals().slice(4)).toEqual([
      `STOP ${leader.pid}`,
      `STOP ${child.pid}`,
      `KILL ${leader.pid}`,
      `KILL ${child.pid}`,
    ]);
  });

  test('who turns up while the others are being frozen is frozen and killed with them', async () => {
    const { table, run, signals } = stage();
    const leader = table.start({ ignores: ['SIGTERM'], cookie: 'ours' });
    let late = 0;
    const busy: typeof table.signal = async (identity, signal) => {
      // It forks in the moment before it stands still.
      if (signal === 'SIGSTOP' && late === 0) late = table.start({ cookie: 'ours', ignores: ['SIGTERM'] }).pid;
      return table.signal(identity, signal);
    };
    await run([target(leader, { cookie: 'ours', graceMs: 100 })], { table: { ...table, signal: busy } });
    expect(signals().slice(2)).toEqual([`STOP ${leader.pid}`, `STOP ${late}`, `KILL ${leader.pid}`, `KILL ${late}`]);
  });
});

describe('the set', () => {
  test('field failure 41: SIGKILL is for whoever is left, even if the leader obeyed', async () => {
    const { table, run } = stage();
    const leader = table.start();
    const child = table.start({ ppid: leader.pid, pgid: leader.pid, ignores: ['SIGTERM'] });
    const report = await run([target(leader, { pgid: leader.pid })]);
    expect(only(report).outcome).toBe('killed');
    expect(sent(only(report))).toEqual([`TERM ${leader.pid} @0`, `TERM ${child.pid} @0`, `KILL ${child.pid} @5000`]);
    expect(await table.list()).toEqual([]);
  });

  test('a member that appears during the grace is asked as well, and continued', async () => {
    const { table, run, clock, signals } = stage();
    const leader = table.start({ cookie: 'ours', ignores: ['SIGTERM'] });
    let late = 0;
    clock.after(250, () => {
      const started = table.start({ cookie: 'ours' });
      late = started.pid;
      void table.signal(started, 'SIGSTOP');
    });
    const report = await run([target(leader, { cookie: 'ours', graceMs: 1000 })]);
    expect(only(report).members).toEqual([leader.pid, late]);
    expect(signals()).toEqual([
      `TERM ${leader.pid}`,
      `CONT ${leader.pid}`,
      `STOP ${late}`,
      `TERM ${late}`,
      `CONT ${late}`,
      `STOP ${leader.pid}`,
      `KILL ${leader.pid}`,
    ]);
  });

  test('a successor that the leader leaves behind is found before the set is called empty', async () => {
    const { table, run, signals } = stage();
    const leader = table.start({ cookie: 'ours' });
    let successor = 0;
    const respawning: typeof table.signal = async (identity, signal) => {
      const result = await table.signal(identity, signal);
      if (signal === 'SIGTERM' && successor === 0) successor = table.start({ cookie: 'ours' }).pid;
      return result;
    };
    const report = await run([target(leader, { cookie: 'ours' })], { table: { ...table, signal: respawning } });
    expect(only(report)).toMatchObject({ outcome: 'exited', members: [leader.pid, successor] });
    expect(signals()).toContain(`TERM ${successor}`);
    expect(await table.list()).toEqual([]);
  });

  test('one that slipped away before any signal reached it is looked for more than once', async () => {
    const { table, run, signals } = stage();
    const hop = table.start({ cookie: 'ours' });
    let successor = 0;
    let blind = 0;
    const hopping: typeof table.signal = async (identity, signal) => {
      if (successor === 0) {
        // It forks, ends, and the next listings just miss what it has become.
        successor = table.start({ cookie: 'ours' }).pid;
        table.exit(hop.pid);
        blind = 3;
      }
      return table.signal(identity, signal);
    };
    const missing: typeof table.list = async (options) => {
      blind -= 1;
      return blind >= 0 ? [] : table.list(options);
    };
    const report = await run([target(hop, { cookie: 'ours' })], {
      table: { ...table, signal: hopping, list: missing },
    });
    expect(only(report)).toMatchObject({ outcome: 'exited', members: [hop.pid, successor] });
    expect(signals()).toEqual([`TERM ${successor}`]);
    expect(await table.list()).toEqual([]);
  });

  test('a successor whose environment cannot be read yet, in the middle of its exec, is waited for', async () => {
    const { table, run, signals } = stage();
    const leader = table.start({ cookie: 'ours' });
    let successor = 0;
    let reads = 0;
    const respawning: typeof table.signal = async (identity, signal) => {
      const result = await table.signal(identity, signal);
      if (signal === 'SIGTERM' && successor === 0) successor = table.start({ cookie: 'ours' }).pid;
      return result;
    };
    const midExec: typeof table.list = async (options) => {
      const rows = await table.list(options);
      if (successor === 0 || ++reads > 3) return rows;
      return rows.map(({ cookie: _, ...row }) => row);
    };
    const report = await run([target(leader, { cookie: 'ours' })], {
      table: { ...table, signal: respawning, list: midExec },
    });
    expect(only(report)).toMatchObject({ outcome: 'exited', members: [leader.pid, successor] });
    expect(signals()).toContain(`TERM ${successor}`);
  });

  test('R16: but for strangers that were there before, and for kernel threads, nobody waits', async () => {
    const { table, run } = stage();
    const leader = table.start({ cookie: 'ours' });
    table.start();
    const busy: typeof table.signal = (identity, signal) => {
      table.start({ ppid: 2, pgid: 0, sid: 0 });
      return table.signal(identity, signal);
    };
    const report = await run([target(leader, { cookie: 'ours' })], { table: { ...table, signal: busy } });
    expect(report).toMatchObject({ ok: true, durationMs: 0 });
  });

  test('and if time runs out before it is sure that it is gone, it has escaped', async () => {
    const { table, run } = stage();
    const hop = table.start({ cookie: 'ours' });
    const hopping: typeof table.signal = async (identity, signal) => {
      table.exit(hop.pid);
      return table.signal(identity, signal);
    };
    const report = await run([target(hop, { cookie: 'ours', graceMs: 0, killWaitMs: 2 })], {
      table: { ...table, signal: hopping },
    });
    expect(only(report).outcome).toBe('escaped');
    expect(report.ok).toBe(false);
  });

  test('one that appears after SIGKILL is killed at once', async () => {
    const { table, run, clock } = stage();
    const stuck = table.start({ unkillable: true });
    let late = 0;
    clock.after(100, () => {
      late = table.start({ ppid: stuck.pid, ignores: ['SIGTERM'] }).pid;
    });
    const report = await run([target(stuck, { graceMs: 50, killWaitMs: 500 })]);
    expect(only(report).signals.filter(({ to }) => to === late)).toMatchObject([{ signal: 'SIGKILL' }]);
    expect(report.survivors.map(({ pid }) => pid)).toEqual([stuck.pid]);
  });

  test('nobody gets a signal twice, however often the set is looked at', async () => {
    const { table, run, signals } = stage();
    const stuck = table.start({ unkillable: true });
    await run([target(stuck)]);
    expect(signals()).toEqual([`TERM ${stuck.pid}`, `CONT ${stuck.pid}`, `STOP ${stuck.pid}`, `KILL ${stuck.pid}`]);
  });

  test('the caller is left out although it shares group and cookie', async () => {
    const { table, run, signals } = stage();
    const caller = table.start({ cookie: 'ours' });
    const leader = table.start({ ppid: caller.pid, pgid: caller.pid, cookie: 'ours' });
    const report = await run([target(leader, { cookie: 'ours' })], { never: new Set([caller.pid]) });
    expect(only(report)).toMatchObject({ outcome: 'exited', members: [leader.pid] });
    expect(signals().some((signal) => signal.endsWith(` ${caller.pid}`))).toBe(false);
  });
});

describe('the soft stop', () => {
  test('comes first; who heeds it gets no signal', async () => {
    const { table, run, clock, signals } = stage();
    const leader = table.start();
    const asked: number[] = [];
    const ask = (): void => {
      asked.push(clock.monotonicMs());
      clock.after(200, () => table.exit(leader.pid));
    };
    const report = await run([target(leader, { softStop: { ask, waitMs: 1000 } })]);
    expect(only(report)).toMatchObject({ outcome: 'exited', signals: [] });
    expect(asked).toEqual([0]);
    expect(signals()).toEqual([]);
  });

  test('who does not heed it gets the stop signal after its wait, and the full grace from there', async () => {
    const { table, run } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    const report = await run([target(leader, { softStop: { ask: () => {}, waitMs: 300 }, graceMs: 500 })]);
    expect(sent(only(report))).toEqual([`TERM ${leader.pid} @300`, `KILL ${leader.pid} @800`]);
  });

  test('field failure 46: one that throws does not keep the others from being stopped', async () => {
    const { table, run } = stage();
    const [first, second] = [table.start(), table.start()];
    const ask = (): never => {
      throw new Error('stdin is closed');
    };
    const { ok } = await run([target(first), target(second, { softStop: { ask, waitMs: 100 } })]);
    expect(ok).toBe(true);
    expect(await table.list()).toEqual([]);
  });

  test('the dead are not asked', async () => {
    const { table, run } = stage();
    const dead = table.start();
    table.exit(dead.pid);
    const asked: string[] = [];
    await run([target(dead, { softStop: { ask: () => asked.push('dead'), waitMs: 100 } })]);
    expect(asked).toEqual([]);
  });
});
