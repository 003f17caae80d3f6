import { describe, expect, test } from 'vitest';
import { only, sent, stage, target } from './support.js';

describe('on a clock that moves only when told', () => {
  test.each([
    [0, 0],
    [1, 1],
    [37, 11],
    [5000, 1000],
  ])('a grace of %i ms and a wait of %i ms are exactly that', async (graceMs, killWaitMs) => {
    const { table, run } = stage();
    const stuck = table.start({ unkillable: true });
    const report = await run([target(stuck, { graceMs, killWaitMs })]);
    expect(sent(only(report)).at(-1)).toBe(`KILL ${stuck.pid} @${graceMs}`);
    expect(only(report)).toMatchObject({ outcome: 'survived', durationMs: graceMs + killWaitMs });
  });

  test('each target has its own times', async () => {
    const { table, run } = stage();
    const slow = table.start({ unkillable: true });
    const quick = table.start({ unkillable: true });
    const { targets, durationMs } = await run([
      target(slow, { graceMs: 730, killWaitMs: 40 }),
      target(quick, { graceMs: 110, killWaitMs: 7 }),
    ]);
    expect(targets.map((each) => [each.durationMs, sent(each).at(-1)])).toEqual([
      [117, `KILL ${quick.pid} @110`],
      [770, `KILL ${slow.pid} @730`],
    ]);
    expect(durationMs).toBe(770);
  });

  test.each([0, 1, 250, 1700])('a deadline of %i ms bounds everything', async (deadlineMs) => {
    const { table, run } = stage();
    const stuck = [1, 2, 3].map(() => table.start({ unkillable: true }));
    const report = await run(
      stuck.map((identity) => target(identity)),
      { deadlineMs },
    );
    expect(report.durationMs).toBe(deadlineMs);
    expect(report.survivors).toHaveLength(3);
    expect(report.targets.map((each) => sent(each).at(-1))).toEqual(
      stuck.reverse().map(({ pid }) => `KILL ${pid} @${Math.max(0, deadlineMs - 1000)}`),
    );
  });

  test('a second request for a stop forces: SIGKILL goes out at once', async () => {
    const { table, run, clock } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    const force = new AbortController();
    clock.after(1234, () => force.abort());
    const report = await run([target(leader)], { force: force.signal });
    expect(only(report)).toMatchObject({ outcome: 'killed' });
    const [, kill] = only(report).signals;
    expect(kill?.atMs).toBeGreaterThanOrEqual(1234);
    // The fake's sleep cannot be cut short: at the next look, at the latest.
    expect(kill?.atMs).toBeLessThanOrEqual(1234 + 25);
  });

  test('force from the beginning: nobody is asked', async () => {
    const { table, run, signals } = stage();
    const leader = table.start();
    const softStop = { ask: () => {}, waitMs: 500 };
    await run([target(leader, { softStop })], { force: AbortSignal.abort() });
    expect(signals()).toEqual([`STOP ${leader.pid}`, `KILL ${leader.pid}`]);
  });

  test('field failure 44: a long grace is waited for, and left as soon as the work is done', async () => {
    const { table, run, clock } = stage();
    const installer = table.start({ ignores: ['SIGTERM'] });
    clock.after(20_000, () => table.exit(installer.pid));
    const report = await run([target(installer, { graceMs: 30_000 })]);
    expect(only(report).outcome).toBe('exited');
    expect(report.durationMs).toBeLessThanOrEqual(20_025);
  });

  test('a grace without end ends with the process', async () => {
    const { table, run, clock } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    clock.after(90, () => table.exit(leader.pid));
    expect(only(await run([target(leader, { graceMs: Number.POSITIVE_INFINITY })])).outcome).toBe('exited');
  });

  test('fault 4: the wall clock may jump during the grace', async () => {
    const { table, run, clock } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    let jumpMs = 0;
    clock.after(100, () => {
      jumpMs = 3_600_000;
    });
    clock.after(200, () => {
      jumpMs = -3_600_000;
    });
    const jumping = { ...clock, wallMs: () => clock.wallMs() + jumpMs };
    const report = await run([target(leader, { graceMs: 600 })], { clock: jumping });
    expect(sent(only(report)).at(-1)).toBe(`KILL ${leader.pid} @600`);
    expect(report.durationMs).toBe(600);
  });
});

describe('R2: looks', () => {
  test('are close together at first and never more than 25 ms apart', async () => {
    const { table, run, clock } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    const sleeps: number[] = [];
    const noting: typeof clock.sleep = (ms, signal) => {
      sleeps.push(ms);
      return clock.sleep(ms, signal);
    };
    await run([target(leader, { graceMs: 200 })], { clock: { ...clock, sleep: noting } });
    expect(sleeps.slice(0, 6)).toEqual([1, 2, 4, 8, 16, 25]);
    expect(Math.max(...sleeps)).toBe(25);
  });

  test.each(['exit', 'force'])('an event cuts the sleep short: %s', async (event) => {
    const { table, run, clock } = stage();
    const leader = table.start({ ignores: ['SIGTERM'] });
    let exited = (): void => {};
    const exit = new Promise<void>((resolve) => {
      exited = resolve;
    });
    const force = new AbortController();
    let woken = 0;
    // A sleep that nothing but the event ends.
    const sleep: typeof clock.sleep = (ms, signal) => {
      if (clock.monotonicMs() < 20) return clock.sleep(ms);
      if (event === 'exit') table.exit(leader.pid);
      setImmediate(event === 'exit' ? exited : () => force.abort());
      return new Promise((resolve) => {
        signal?.addEventListener('abort', () => {
          woken += 1;
          resolve();
        });
      });
    };
    const report = await run([target(leader, { exited: exit })], {
      clock: { ...clock, sleep },
      force: force.signal,
    });
    expect(woken).toBe(1);
    expect(only(report).outcome).toBe(event === 'exit' ? 'exited' : 'killed');
  });

  test('no listener is left on the force signal', async () => {
    const { table, run } = stage();
    const force = new AbortController();
    const listeners = new Set<unknown>();
    const { signal } = force;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>): void => {
      listeners.add(args[1]);
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
      listeners.delete(args[1]);
      remove(...args);
    };
    const leader = table.start();
    const during: number[] = [];
    await run([target(leader)], { force: signal, onProgress: () => void during.push(listeners.size) });
    expect(new Set(during)).toEqual(new Set([1]));
    expect(listeners.size).toBe(0);
  });
});
