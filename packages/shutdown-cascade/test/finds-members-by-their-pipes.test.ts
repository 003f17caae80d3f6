import { createFakeProcessTable, type FakeProcessTable, type FakeStart } from '@cm/process-table/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { membersOf, type StopTarget } from '../src/index.js';
import { readLineage } from '../src/spawn/lineage.js';
import { only, sent, stage, target } from './support.js';

const PIPE = 'socket:[4711]';
const lineage = [PIPE];
const holds = [PIPE, '/dev/null'];

let table: FakeProcessTable;
beforeEach(() => {
  table = createFakeProcessTable();
});

const members = async (of: Omit<StopTarget, 'id'>): Promise<number[]> => {
  const rows = await table.list({ cookies: true, descriptors: new Set(of.lineage) });
  return membersOf(of, rows).map((row) => row.identity.pid);
};

describe('who holds a pipe that was made for a target', () => {
  test('is a member, with what is below it, although nothing else shows it', async () => {
    const identity = table.start({ startToken: '100' });
    table.exit(identity.pid);
    const daemon = table.start({ startToken: '100', holds });
    const below = table.start({ startToken: '101', ppid: daemon.pid });
    expect(await members({ identity, cookie: 'ours', lineage })).toEqual([daemon.pid, below.pid]);
    expect(await members({ identity, cookie: 'ours' })).toEqual([]);
    expect(await members({ identity, cookie: 'ours', lineage: ['socket:[471]'] })).toEqual([]);
  });

  test.each<[string, FakeStart]>([
    ['is older than the leader: a server of tmux or ssh has been handed it', { startToken: '99' }],
    ['is older, although its token is the longer text', { startToken: '0000099' }],
    ['carries the cookie of another scope', { startToken: '200', cookie: 'theirs' }],
  ])('is none when it %s', async (_, options) => {
    const identity = table.start({ startToken: '100', cookie: 'ours' });
    table.start({ ...options, holds });
    expect(await members({ identity, cookie: 'ours', lineage })).toEqual([identity.pid]);
  });

  test('is one when it carries the cookie, however old it seems', async () => {
    const identity = table.start({ startToken: '100', cookie: 'ours' });
    const other = table.start({ startToken: '99', cookie: 'ours', holds });
    expect(await members({ identity, cookie: 'ours', lineage })).toEqual([identity.pid, other.pid]);
  });
});

describe('a stop', () => {
  test('reads cookies and descriptors of nobody who is older than the oldest leader', async () => {
    const it = stage();
    const [old, young] = ['100', '200'].map((startToken) => it.table.start({ startToken }));
    if (old === undefined || young === undefined) throw new Error('no processes');
    const asked: unknown[] = [];
    const list: typeof it.table.list = (options) => {
      asked.push([options?.since, [...(options?.descriptors ?? [])]]);
      return it.table.list(options);
    };
    await it.run([target(young, { lineage }), target(old, { lineage: ['pipe:[1]'] })], {
      table: { ...it.table, list },
    });
    expect(asked[0]).toEqual([old, ['pipe:[1]', PIPE]]);
  });

  test('finds it, asks it and kills it', async () => {
    const it = stage();
    const identity = it.table.start();
    it.table.exit(identity.pid);
    const daemon = it.table.start({ holds, ignores: ['SIGTERM'] });
    const theirs = it.table.start({ cookie: 'theirs', holds, ignores: ['SIGTERM'] });
    const server = it.table.start({ startToken: '0', holds, ignores: ['SIGTERM'] });
    const report = await it.run([target(identity, { lineage, cookie: 'ours', graceMs: 100 })]);
    expect(only(report)).toMatchObject({ outcome: 'killed', members: [daemon.pid] });
    expect(sent(only(report))).toEqual([`TERM ${daemon.pid} @0`, `KILL ${daemon.pid} @100`]);
    expect(await it.table.lookup(server)).toMatchObject({ status: 'alive' });
    // Not even stopped for a moment.
    for (const { pid } of [server, theirs]) {
      expect(it.signals().filter((signal) => signal.endsWith(` ${pid}`))).toEqual([]);
    }
  });

  test('does not take one look’s word for it while somebody holds the pipe', async () => {
    const it = stage();
    const identity = it.table.start();
    it.table.exit(identity.pid);
    const daemon = it.table.start({ holds });
    let looks = 0;
    // What hops from process to process is missed by the first looks.
    const list: typeof it.table.list = async (options) => {
      looks += 1;
      return (await it.table.list(options)).filter((row) => looks > 3 || row.identity.pid !== daemon.pid);
    };
    const piped = { lineage, closed: new Promise(() => {}) };
    const report = await it.run([target(identity, piped)], { table: { ...it.table, list } });
    expect(only(report)).toMatchObject({ outcome: 'exited', members: [daemon.pid] });
  });

  test.each([{ cookie: 'ours' }, { holds }])(
    'stops what goes on as another process after every look: %o',
    async (mark) => {
      const it = stage();
      const identity = it.table.start({ cookie: 'ours' });
      it.table.exit(identity.pid);
      let hopper = it.table.start({ ...mark, ignores: ['SIGTERM'] });
      const list: typeof it.table.list = async (options) => {
        const rows = await it.table.list(options);
        const found = await it.table.identify(hopper.pid);
        if (found.status === 'alive' && found.process.state !== 'stopped') {
          const successor = it.table.start({ ...mark, ignores: ['SIGTERM'] });
          it.table.exit(hopper.pid);
          hopper = successor;
        }
        return rows;
      };
      const piped = { lineage, cookie: 'ours', closed: new Promise(() => {}), graceMs: 50 };
      const report = await it.run([target(identity, piped)], { table: { ...it.table, list } });
      expect(report).toMatchObject({ ok: true, targets: [{ outcome: 'killed' }] });
      expect(await it.table.list()).toEqual([]);
    },
  );

  test('takes it once the pipe has closed, and costs no waiting then', async () => {
    const it = stage();
    const identity = it.table.start();
    it.table.exit(identity.pid);
    const report = await it.run([target(identity, { lineage, closed: Promise.resolve() })]);
    expect(only(report)).toMatchObject({ outcome: 'gone', durationMs: 0 });
  });

  test('and does not wait for ever for a pipe that nobody reads', async () => {
    const it = stage();
    const identity = it.table.start();
    it.table.exit(identity.pid);
    const report = await it.run([target(identity, { lineage, closed: new Promise(() => {}) })]);
    expect(report).toMatchObject({ ok: true, targets: [{ outcome: 'gone' }] });
    expect(report.durationMs).toBeLessThanOrEqual(100);
  });

  test('fault 33: nor for one that closes while it looks again', async () => {
    const it = stage();
    const identity = it.table.start();
    it.table.exit(identity.pid);
    let close = (): void => {};
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    it.clock.after(2, () => close());
    const report = await it.run([target(identity, { lineage, closed })]);
    expect(report.durationMs).toBeLessThanOrEqual(4);
  });
});

describe('the lineage of a child', () => {
  const own = ['socket:[1]', 'pipe:[2]'];
  const start = (open: readonly string[]): ReturnType<FakeProcessTable['start']> => {
    table.start({ pid: process.pid, holds: own });
    return table.start({ holds: open });
  };

  test('is what it has under the numbers of the pipes that were made for it', async () => {
    const child = start(['/dev/null', PIPE, 'pipe:[7]', 'socket:[8]']);
    expect(await readLineage(child, ['ignore', 'pipe', 'inherit'], table)).toEqual([PIPE]);
    expect(await readLineage(child, ['ignore', 'pipe', 'overlapped'], table)).toEqual([PIPE, 'pipe:[7]']);
    expect(await readLineage(child, ['ignore', 'ignore', 'ignore'], table)).toEqual([]);
  });

  test('is every pipe it has and this process has not, where one of those is missed', async () => {
    const child = start(['/dev/null', '/tmp/file', 'pipe:[2]', 'socket:[1]', PIPE]);
    expect(await readLineage(child, ['ignore', 'pipe', 'inherit', 'inherit'], table)).toEqual([PIPE]);
  });

  test('is nothing where this process cannot say what it has itself', async () => {
    const child = table.start({ holds: ['/dev/null', '/tmp/file', PIPE] });
    expect(await readLineage(child, ['ignore', 'pipe', 'inherit'], table)).toEqual([]);
  });

  test('is no file, device or anonymous inode', async () => {
    const child = start(['/dev/pts/1', 'anon_inode:[eventfd]', '/tmp/socket:[9]']);
    expect(await readLineage(child, 'pipe', table)).toEqual([]);
  });
});

describe('who is seen, and cannot be seen at the end', () => {
  test.each(['a member', 'the leader'])('%s: escaped, never ok', async (which) => {
    const it = stage();
    const identity = it.table.start({ ignores: ['SIGTERM'] });
    const child = it.table.start({ ppid: identity.pid, ignores: ['SIGTERM'] });
    const hidden = which === 'a member' ? child : identity;
    it.clock.after(300, () => it.table.hide(hidden.pid));
    const report = await it.run([target(identity, { graceMs: 1000, killWaitMs: 500 })]);
    expect(report).toMatchObject({ ok: false, survivors: [], escaped: [{ pid: hidden.pid }] });
    expect(only(report).outcome).toBe('escaped');
    expect(only(report).members).toEqual([identity.pid, child.pid]);
  });

  test('one that is found by its pipe alone: escaped', async () => {
    const it = stage();
    const identity = it.table.start();
    it.table.exit(identity.pid);
    const daemon = it.table.start({ holds, ignores: ['SIGTERM'] });
    it.clock.after(300, () => it.table.hide(daemon.pid));
    const report = await it.run([target(identity, { lineage, graceMs: 1000, killWaitMs: 500 })]);
    expect(report).toMatchObject({ ok: false, escaped: [{ pid: daemon.pid }] });
  });
});

describe('fault 2: a process with the recorded pid and start tick', () => {
  test('is foreign with another cookie, and nothing is sent', async () => {
    const it = stage();
    const identity = it.table.start({ cookie: 'ours' });
    it.table.reusePid(identity.pid, { cookie: 'theirs', startToken: identity.startToken });
    const recorded = { ...identity, cookie: 'ours' };
    const report = await it.run([target(recorded, { pgid: identity.pid, cookie: 'ours', known: [recorded] })]);
    expect(report).toMatchObject({ ok: true, targets: [{ outcome: 'foreign', signals: [], members: [] }] });
    expect(it.signals()).toEqual([]);
  });

  test('is unknown without a cookie, never ok, and nothing is sent', async () => {
    const it = stage();
    const identity = it.table.start({ cookie: 'ours' });
    it.table.reusePid(identity.pid, { startToken: identity.startToken });
    const recorded = { ...identity, cookie: 'ours' };
    const report = await it.run([target(recorded, { pgid: identity.pid, cookie: 'ours' })]);
    expect(report).toMatchObject({ ok: false, targets: [{ outcome: 'unknown', signals: [], members: [] }] });
    expect(it.signals()).toEqual([]);
  });
});

describe('the group of a target', () => {
  /** Which signals went to groups as a whole. */
  const toGroups = async (strangers: readonly FakeStart[]): Promise<{ groups: string[]; signals: string[] }> => {
    const it = stage();
    const groups: string[] = [];
    const signalGroup: typeof it.table.signalGroup = (leader, signal) => {
      groups.push(`${signal.slice(3)} -${leader.pid}`);
      return it.table.signalGroup(leader, signal);
    };
    const identity = it.table.start({ cookie: 'ours' });
    it.table.start({ ppid: identity.pid, pgid: identity.pid, cookie: 'ours' });
    for (const stranger of strangers) it.table.start({ pgid: identity.pid, ...stranger });
    await it.run([target(identity, { pgid: identity.pid, cookie: 'ours' })], {
      table: { ...it.table, signalGroup },
      never: new Set([7]),
    });
    return { groups, signals: it.signals() };
  };

  test('is signalled as a whole when nobody else is in it', async () => {
    const { groups } = await toGroups([]);
    expect(groups[0]).toMatch(/^TERM -/);
  });

  test('is not when somebody is in it who is never signalled: its members are, each alone', async () => {
    const { groups, signals } = await toGroups([{ pid: 7, ppid: 1 }]);
    expect(groups).toEqual([]);
    expect(signals.filter((signal) => signal.startsWith('TERM'))).toHaveLength(2);
    expect(signals.filter((signal) => signal.endsWith(' 7'))).toEqual([]);
  });

  test('is not for two newcomers either: who has been asked is not asked again', async () => {
    const it = stage();
    const STUBBORN = { ignores: ['SIGTERM'] } as const;
    const identity = it.table.start({ ...STUBBORN, cookie: 'ours' });
    const late: number[] = [];
    it.clock.after(300, () => {
      for (let count = 0; count < 2; count += 1) {
        late.push(it.table.start({ ...STUBBORN, ppid: identity.pid, pgid: identity.pid, cookie: 'ours' }).pid);
      }
    });
    await it.run([target(identity, { pgid: identity.pid, cookie: 'ours', graceMs: 1000 })]);
    const asked = it.signals().filter((signal) => signal.startsWith('TERM'));
    expect(asked).toEqual([identity.pid, ...late].map((pid) => `TERM ${pid}`));
  });
});
