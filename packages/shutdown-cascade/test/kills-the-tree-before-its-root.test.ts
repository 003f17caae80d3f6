import type { ProcessIdentity } from '@cm/process-table';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CascadeOptions, CascadeReport, StopTarget } from '../src/index.js';
import { killTreeByTaskkill } from '../src/kill-tree.js';
import { only, sent, stage, target } from './support.js';

const taskkill = vi.hoisted(() => vi.fn());
vi.mock('tree-kill', () => ({ default: taskkill }));
afterEach(() => void taskkill.mockReset());

interface WindowsStage extends Omit<ReturnType<typeof stage>, 'run'> {
  /** What was killed as a tree, and whether its root was alive at that moment. */
  readonly kills: { readonly pid: number; readonly rootAlive: boolean; readonly atMs: number }[];
  run(targets: readonly StopTarget[], options?: CascadeOptions): Promise<CascadeReport>;
}

/** As on Windows: trees end from the leaves, and whoever lost its parent is in nobody's tree. */
const windows = (): WindowsStage => {
  const { table, clock, run, ...rest } = stage();
  const kills: { pid: number; rootAlive: boolean; atMs: number }[] = [];
  const killTree = async (pid: number): Promise<void> => {
    const root = await table.identify(pid);
    kills.push({ pid, rootAlive: root.status === 'alive', atMs: clock.monotonicMs() });
    if (root.status !== 'alive') throw new Error(`there is no process ${pid}`);
    const below = await table.descendants(root.process.identity);
    for (const row of [...below.reverse(), root.process]) if (row.command !== 'stuck') table.exit(row.identity.pid);
  };
  return {
    ...rest,
    table,
    clock,
    kills,
    run: (targets, options = {}) => run(targets, { platform: 'win32', killTree, ...options }),
  };
};

const exitsAfter =
  (stageOf: Pick<WindowsStage, 'table' | 'clock'>, { pid }: ProcessIdentity, ms: number): (() => void) =>
  () =>
    stageOf.clock.after(ms, () => stageOf.table.exit(pid));

describe('on Windows', () => {
  test('R14, R29, field failure 43: the tree is killed while its root lives, and no signal is ever sent', async () => {
    const { table, run, kills, signals } = windows();
    const root = table.start();
    const child = table.start({ ppid: root.pid });
    const grandchild = table.start({ ppid: child.pid });
    const report = await run([target(root)]);
    expect(kills).toEqual([{ pid: root.pid, rootAlive: true, atMs: 0 }]);
    expect(signals()).toEqual([]);
    expect(only(report)).toMatchObject({ outcome: 'killed', members: [root.pid, child.pid, grandchild.pid] });
    expect(sent(only(report))).toEqual([`KILL ${root.pid} @0`]);
    expect(await table.list()).toEqual([]);
  });

  test('the soft stop comes first: who heeds it is not killed', async () => {
    const on = windows();
    const root = on.table.start();
    const report = await on.run([target(root, { softStop: { ask: exitsAfter(on, root, 300), waitMs: 1000 } })]);
    expect(on.kills).toEqual([]);
    expect(on.signals()).toEqual([]);
    expect(only(report)).toMatchObject({ outcome: 'exited', signals: [] });
    expect(report.durationMs).toBeLessThanOrEqual(325);
  });

  test('the soft stop comes first: who does not heed it is killed after its wait and the grace', async () => {
    const { table, run, kills } = windows();
    const root = table.start();
    const report = await run([target(root, { softStop: { ask: () => {}, waitMs: 300 }, graceMs: 500 })]);
    expect(kills).toEqual([{ pid: root.pid, rootAlive: true, atMs: 800 }]);
    expect(only(report).outcome).toBe('killed');
  });

  test('all are asked before anything is waited for, and nobody waits for anybody', async () => {
    const on = windows();
    const asked: string[] = [];
    const stuck = [1, 2, 3].map(() => on.table.start({ command: 'stuck' }));
    const report = await on.run(
      stuck.map((identity, index) =>
        target(identity, {
          softStop: { ask: () => void asked.push(`${index} @${on.clock.monotonicMs()}`), waitMs: 0 },
          graceMs: 200,
          killWaitMs: 50,
        }),
      ),
    );
    expect(asked).toEqual(['2 @0', '1 @0', '0 @0']);
    expect(on.kills.map(({ atMs }) => atMs)).toEqual([200, 200, 200]);
    expect(report.durationMs).toBe(250);
  });

  test('members that outlive an obedient root are killed as trees of their own', async () => {
    const on = windows();
    const root = on.table.start();
    const child = on.table.start({ ppid: root.pid });
    const grandchild = on.table.start({ ppid: child.pid });
    const softStop = { ask: exitsAfter(on, root, 100), waitMs: 200 };
    const report = await on.run([target(root, { softStop, graceMs: 300 })]);
    expect(on.kills).toEqual([{ pid: child.pid, rootAlive: true, atMs: 500 }]);
    expect(only(report)).toMatchObject({ outcome: 'killed', members: [root.pid, child.pid, grandchild.pid] });
    expect(on.signals()).toEqual([]);
  });

  test('R21: survivors are listed', async () => {
    const { table, run } = windows();
    const root = table.start();
    const child = table.start({ ppid: root.pid, command: 'stuck' });
    const report = await run([target(root)]);
    expect(report).toMatchObject({ ok: false, durationMs: 1000 });
    expect(only(report).outcome).toBe('survived');
    expect(report.survivors).toEqual([{ id: `t${root.pid}`, pid: child.pid }]);
  });

  test.each([
    ['fails', (): Promise<never> => Promise.reject(new Error('taskkill: access denied'))],
    ['never ends', (): Promise<never> => new Promise(() => {})],
    [
      'throws',
      (): never => {
        throw new Error('no taskkill');
      },
    ],
  ])('field failure 46: a system tool that %s neither rejects nor holds up the stop', async (_, killTree) => {
    const { table, run } = windows();
    const root = table.start();
    const report = await run([target(root, { killWaitMs: 400 })], { killTree });
    expect(only(report)).toMatchObject({ outcome: 'survived', durationMs: 400 });
    expect(report.survivors).toEqual([{ id: `t${root.pid}`, pid: root.pid }]);
  });

  test('fault 1: a reused pid is foreign, a dead one gone; neither is handed to the system tool', async () => {
    const { table, run, kills } = windows();
    const old = table.start();
    table.reusePid(old.pid);
    const dead = table.start();
    table.exit(dead.pid);
    const { targets, durationMs } = await run([target(old), target(dead)]);
    expect(targets.map(({ outcome }) => outcome)).toEqual(['gone', 'foreign']);
    expect(durationMs).toBe(0);
    expect(kills).toEqual([]);
  });

  test('fault 1: nor one that was handed out again during the grace', async () => {
    const { table, clock, run, kills } = windows();
    const root = table.start();
    clock.after(100, () => table.reusePid(root.pid));
    const report = await run([target(root, { softStop: { ask: () => {}, waitMs: 200 } })]);
    expect(only(report).outcome).toBe('exited');
    expect(kills).toEqual([]);
  });

  test('fault 5: nor one that was handed out again in the moment before the kill', async () => {
    const { table, run, kills } = windows();
    const root = table.start();
    let lists = 0;
    const list: typeof table.list = async (options) => {
      const rows = await table.list(options);
      lists += 1;
      if (lists === 2) table.reusePid(root.pid);
      return rows;
    };
    const report = await run([target(root)], { table: { ...table, list } });
    expect(kills).toEqual([]);
    expect(only(report)).toMatchObject({ outcome: 'exited', signals: [] });
    expect(await table.identify(root.pid)).toMatchObject({ status: 'alive', process: { command: 'innocent' } });
  });

  test('field failure 1, R20: a process that is never signalled is not killed as a tree either', async () => {
    const { table, run, kills } = windows();
    const caller = table.start();
    const child = table.start({ ppid: caller.pid });
    const report = await run([target(caller, { known: [child] })], { never: new Set([caller.pid]) });
    expect(kills.map(({ pid }) => pid)).toEqual([child.pid]);
    expect(only(report).outcome).toBe('survived');
  });

  test('a second request forces, and a deadline bounds', async () => {
    const { table, clock, run, kills } = windows();
    const root = table.start();
    const force = new AbortController();
    clock.after(100, () => force.abort());
    const softStop = { ask: () => {}, waitMs: 5000 };
    await run([target(root, { softStop })], { force: force.signal });
    expect(kills[0]?.atMs).toBeLessThanOrEqual(125);

    const stuck = table.start({ command: 'stuck' });
    const report = await run([target(stuck, { softStop })], { deadlineMs: 1500 });
    expect(sent(only(report))).toEqual([`KILL ${stuck.pid} @500`]);
    expect(report.durationMs).toBe(1500);
  });
});

describe('the system tool (tree-kill)', () => {
  test('R29: is asked for the whole tree by force', async () => {
    // `exec` hands on null when all went well.
    taskkill.mockImplementation((_pid: number, _signal: string, done: (error: Error | null) => void) => done(null));
    await expect(killTreeByTaskkill(4711)).resolves.toBeUndefined();
    expect(taskkill.mock.calls).toEqual([[4711, 'SIGKILL', expect.any(Function)]]);
  });

  test('its failure is an error', async () => {
    taskkill.mockImplementation((_pid: number, _signal: string, done: (error?: Error) => void) =>
      done(new Error('access denied')),
    );
    await expect(killTreeByTaskkill(4711)).rejects.toThrow('access denied');
  });

  test('is what Windows gets unless told otherwise', async () => {
    const { table, run, signals } = stage();
    const root = table.start();
    taskkill.mockImplementation((pid: number, _signal: string, done: (error: Error | null) => void) => {
      table.exit(pid);
      done(null);
    });
    expect(only(await run([target(root)], { platform: 'win32' })).outcome).toBe('killed');
    expect(taskkill.mock.calls.map(([pid]) => pid)).toEqual([root.pid]);
    expect(signals()).toEqual([]);
  });
});
