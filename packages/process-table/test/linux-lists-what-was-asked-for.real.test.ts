import { describe, expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { startProcess } from '../../../tools/testing/real-process.js';
import { COOKIE_VARIABLE, createProcessTable, type ProcessIdentity, type ProcessRow } from '../src/index.js';

const linux = process.platform === 'linux';
if (!linux) console.warn('skipped: needs Linux');

const table = createProcessTable();
const { PATH } = process.env;

const rowOf = async (pid: number): Promise<ProcessRow> => {
  const found = await table.identify(pid);
  if (found.status !== 'alive') throw new Error(`${pid} is ${found.status}: ${found.reason}`);
  return found.process;
};
const find = (rows: readonly ProcessRow[], pid: number): ProcessRow | undefined =>
  rows.find(({ identity }) => identity.pid === pid);
const described = async (pid: number, descriptor: number): Promise<string> => {
  const target = (await table.openDescriptors((await rowOf(pid)).identity))?.get(descriptor);
  if (target === undefined) throw new Error(`${pid} has no descriptor ${descriptor}`);
  return target;
};

describe.skipIf(!linux)('a Linux listing', () => {
  test('tells a descendant by the pipe it kept, though it left everything else', async () => {
    // The shell makes the pipe; the second sleep leaves its session, its parents and its environment, but keeps the writing end.
    const script = '{ setsid env -i sleep 61 & sleep 60; } | { read -r never; }';
    await using parent = await startProcess('sh', ['-c', script], { detached: true });
    const { identity } = await rowOf(parent.pid);
    const keeper = await eventually('the one that left', async () => {
      const rows = await table.descendants(identity);
      return rows.find(({ sid, command, identity: { pid } }) => command === 'sleep' && sid === pid);
    });
    const pipe = await described(keeper.identity.pid, 1);
    expect(pipe).toMatch(/^pipe:\[\d+\]$/);
    const other = await described(process.pid, 0);
    const rows = await table.list({ descriptors: new Set([pipe, 'pipe:[0]']) });
    expect(find(rows, keeper.identity.pid)?.holds).toEqual([pipe]);
    expect(find(rows, process.pid)).not.toHaveProperty('holds');
    expect(find(await table.list(), keeper.identity.pid)).not.toHaveProperty('holds');
    expect(other).not.toBe(pipe);
    for (const { identity: below } of await table.descendants(identity)) await table.signal(below, 'SIGKILL');
  });

  test('tells the child whose standard output is a pipe of ours', async () => {
    await using child = await startProcess('sh', ['-c', 'echo up; exec sleep 60']);
    await child.line();
    const output = await described(child.pid, 1);
    const rows = await table.list({ descriptors: new Set([output]) });
    expect(rows.filter(({ holds }) => holds !== undefined).map(({ identity }) => identity.pid)).toEqual([child.pid]);
    expect(find(rows, child.pid)?.holds).toEqual([output]);
  });

  test('since somebody hides nobody, and reads neither cookies nor descriptors of those before', async () => {
    const start = (): ReturnType<typeof startProcess> =>
      startProcess('sleep', ['60'], { env: { PATH, [COOKIE_VARIABLE]: 'since' } });
    await using older = await start();
    const before = (await rowOf(older.pid)).identity;
    const output = await described(older.pid, 1);
    // A tick of the kernel is 10 ms: wait until a newcomer has another one.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await using younger = await start();
    const since = (await rowOf(younger.pid)).identity;
    expect(Number(since.startToken)).toBeGreaterThan(Number(before.startToken));
    const descriptors = new Set([output, await described(younger.pid, 1)]);
    const listed = await eventually('the new environment', async () => {
      const rows = await table.list({ cookies: true, descriptors, since });
      return find(rows, younger.pid)?.cookie === 'since' && rows;
    });
    // Who carries a cookie has said whose it is, and is not asked for more.
    expect(find(listed, younger.pid)).not.toHaveProperty('holds');
    const held = await table.list({ descriptors, since });
    expect(find(held, younger.pid)?.holds).toHaveLength(1);
    for (const rows of [listed, held]) {
      const old = find(rows, older.pid);
      expect(old).toBeDefined();
      expect(old).not.toHaveProperty('cookie');
      expect(old).not.toHaveProperty('holds');
    }
    expect(find(await table.list({ cookies: true, since: before }), older.pid)).toMatchObject({ cookie: 'since' });
    expect(find(await table.list({ descriptors, since: before }), older.pid)).toMatchObject({ holds: [output] });
  });

  test('shows kernel threads, without a cookie and without descriptors', async ({ skip }) => {
    const kthreadd = find(await table.list(), 2);
    skip(kthreadd?.command !== 'kthreadd', 'no kernel threads here: a container of its own');
    const rows = await table.list({ cookies: true, descriptors: new Set(['/dev/null']) });
    const threads = rows.filter(({ ppid }) => ppid === 2);
    expect(threads.length).toBeGreaterThan(0);
    expect(threads.some((row) => 'cookie' in row || 'holds' in row)).toBe(false);
  });

  test('tells each row while it reads: the one told can be signalled at once', async () => {
    await using child = await startProcess('sleep', ['60']);
    const sent: Promise<unknown>[] = [];
    await table.list({
      onRow: (row) => {
        if (row.identity.pid === child.pid) sent.push(table.signal(row.identity, 'SIGKILL'));
      },
    });
    expect(await Promise.all(sent)).toEqual([{ outcome: 'sent' }]);
    expect(await child.exit).toEqual({ code: null, signal: 'SIGKILL' });
  });
});

describe.skipIf(!linux)('the cookie of an identity', () => {
  test('decides between holders of one pid and one start; our own child needs none', async () => {
    const grandchild = async (environment: Record<string, string>) => {
      // The shell ends at once or waits; its child is not ours either way.
      const parent = await startProcess('sh', ['-c', 'sleep 60 & echo $!; wait'], { env: { PATH, ...environment } });
      const pid = Number(await parent.line());
      const found: ProcessIdentity = (await rowOf(pid)).identity;
      await eventually('its program', async () => (await table.commandLine(found))[0] === 'sleep');
      return { found, parent };
    };
    const marked = await grandchild({ [COOKIE_VARIABLE]: 'mine' });
    const bare = await grandchild({});
    await using own = await startProcess('sleep', ['60'], { env: { PATH } });
    try {
      const statusOf = async (identity: ProcessIdentity, cookie: string) => {
        const found = await table.lookup({ ...identity, cookie });
        return found.status === 'alive' ? 'alive' : `${found.status}: ${found.reason}`;
      };
      expect(await statusOf(marked.found, 'mine')).toBe('alive');
      expect(await statusOf(marked.found, 'another')).toBe('dead: reused');
      expect(await statusOf(bare.found, 'mine')).toMatch(/^unknown: /);
      expect(await statusOf((await rowOf(own.pid)).identity, 'mine')).toBe('alive');
    } finally {
      for (const { found, parent } of [marked, bare]) {
        await table.signal(found, 'SIGKILL');
        await parent[Symbol.asyncDispose]();
      }
    }
  });
});

describe.skipIf(!linux)('a Linux group', () => {
  test('R20: the group of this process is never signalled', async () => {
    const { pgid } = await rowOf(process.pid);
    const leader = await table.identify(pgid);
    if (!('process' in leader)) throw new Error(`the leader ${pgid} of this group is gone`);
    expect(await table.signalGroup(leader.process.identity, 'SIGCONT')).toMatchObject({ outcome: 'refused' });
  });

  test('says what this process uses', async () => {
    const { identity } = await rowOf(process.pid);
    const { user, system } = process.cpuUsage();
    const { cpuMs, memoryBytes } = await table.usage([identity]);
    expect(Math.abs(cpuMs - (user + system) / 1000)).toBeLessThan(500);
    expect(memoryBytes / process.memoryUsage.rss()).toBeCloseTo(1, 0);
  });
});
