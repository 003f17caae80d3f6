import { describe, expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { compareIdentity, type ProcessIdentity, type ProcessRow, type ProcessTable } from '../src/index.js';

export interface Start {
  /** Value of the scope cookie in its environment. */
  readonly cookie?: string;
  /** Leads a process group of its own. */
  readonly leader?: boolean;
  /** How many generations to start below it: 2 gives it a child and a grandchild. */
  readonly depth?: number;
}

/** What an adapter can do at all. Where it cannot, the suite tests that it says so. */
export interface Capabilities {
  /** Says when a process started, so that an identity can be compared. */
  readonly starts: boolean;
  /** Reads the scope cookie of a process. */
  readonly cookies: boolean;
  /** SIGSTOP and SIGCONT. */
  readonly stops: boolean;
  /** Process groups. */
  readonly groups: boolean;
}

const EVERYTHING: Capabilities = { starts: true, cookies: true, stops: true, groups: true };

/** A world in which an adapter is tested: an adapter, and the means to make processes that it should see. */
export interface World extends AsyncDisposable {
  readonly table: ProcessTable;
  /** Starts a process that runs until SIGTERM, and resolves when it and its descendants can be seen. */
  start(options?: Start): Promise<number>;
}

const identityOf = async (table: ProcessTable, pid: number): Promise<ProcessIdentity> => {
  const found = await table.identify(pid);
  if (found.status !== 'alive') throw new Error(`${pid} is ${found.status}: ${found.reason}`);
  return found.process.identity;
};

const pids = (rows: readonly { identity: ProcessIdentity }[]): number[] => rows.map(({ identity }) => identity.pid);

/** A start token that another holder of the same pid could have had. */
const anotherStart = (token: string): string => token.replace(/\d+/, (digits) => `${BigInt(digits) + 60n}`);

const ended = (table: ProcessTable, identity: ProcessIdentity): Promise<boolean> =>
  eventually('its end', async () => (await table.lookup(identity)).status === 'dead');

/** What every process table keeps, the fake included. */
export const describeProcessTable = (
  name: string,
  createWorld: () => Promise<World>,
  capabilities: Partial<Capabilities> = {},
): void => {
  const can: Capabilities = { ...EVERYTHING, ...capabilities };

  describe(`${name} keeps the contract about everybody`, () => {
    test.each([0, 1, -1, 1.5, Number.NaN, 2 ** 31])('R20, fault 7: pid %d is never a target', async (pid) => {
      await using world = await createWorld();
      const identity = await identityOf(world.table, await world.start());
      // Signal 0 would be harmless if a rule here failed; SIGCONT nearly is, and process.kill accepts it for a group.
      expect(await world.table.signal({ ...identity, pid }, 'SIGCONT')).toMatchObject({ outcome: 'refused' });
    });

    test.each([0, -1, 1.5, Number.NaN, 2 ** 31])('identifies no process by the pid %d', async (pid) => {
      await using world = await createWorld();
      expect(await world.table.identify(pid)).toEqual({ status: 'dead', reason: 'gone' });
    });

    test('lists in pid order', async () => {
      await using world = await createWorld();
      const started = [await world.start(), await world.start()];
      const listed = pids(await world.table.list());
      expect(listed).toEqual([...listed].sort((a, b) => a - b));
      expect(listed).toEqual(expect.arrayContaining(started));
    });

    test('tells each row that it lists', async () => {
      await using world = await createWorld();
      const pid = await world.start();
      const told: ProcessRow[] = [];
      const rows = await world.table.list({ onRow: (row) => told.push(row) });
      expect(pids(told)).toContain(pid);
      expect(told.sort((a, b) => a.identity.pid - b.identity.pid)).toEqual(rows);
    });

    test('hides nobody who is older than the one asked since', async () => {
      await using world = await createWorld();
      const older = await world.start();
      const since = await identityOf(world.table, await world.start());
      expect(pids(await world.table.list({ since }))).toEqual(expect.arrayContaining([older, since.pid]));
    });

    test.skipIf(!can.groups)('finds the living members of a group, its leader included', async () => {
      await using world = await createWorld();
      const leader = await world.start({ leader: true, depth: 1 });
      await world.start({ leader: true });
      const members = await world.table.groupMembers(leader);
      expect(pids(members)).toContain(leader);
      expect(members.map(({ pgid }) => pgid)).toEqual([leader, leader]);
    });

    test.skipIf(can.groups)('without groups there are no members, and no group is signalled', async () => {
      await using world = await createWorld();
      const leader = await identityOf(world.table, await world.start({ leader: true, depth: 1 }));
      expect(await world.table.groupMembers(leader.pid)).toEqual([]);
      expect(await world.table.signalGroup(leader, 'SIGKILL')).toMatchObject({ outcome: 'refused' });
      expect(await world.table.lookup(leader)).toMatchObject({ status: 'alive' });
    });

    test.skipIf(can.starts)('without start tokens nothing is the process that was recorded', async () => {
      await using world = await createWorld();
      const identity = await identityOf(world.table, await world.start({ leader: true, depth: 1 }));
      expect(identity.startToken).toBe('');
      expect(await world.table.lookup(identity)).toMatchObject({ status: 'unknown' });
      expect(await world.table.signal(identity, 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
      expect(await world.table.signalGroup(identity, 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
      expect(await world.table.descendants(identity)).toEqual([]);
      expect(await world.table.usage([identity])).toEqual({ processes: 0, cpuMs: 0, memoryBytes: 0 });
      expect(await world.table.identify(identity.pid)).toMatchObject({ status: 'alive' });
    });
  });

  describe.skipIf(!can.starts)(`${name} keeps the contract about one process`, () => {
    test('identifies a living process, and finds it again by that identity', async () => {
      await using world = await createWorld();
      const pid = await world.start();
      const identity = await identityOf(world.table, pid);
      expect(identity.pid).toBe(pid);
      expect(identity.startToken).not.toBe('');
      const found = await world.table.lookup(identity);
      expect(found).toMatchObject({ status: 'alive', process: { state: 'running' } });
      // Where the start time is told as an age, it is told a little differently each time.
      expect('process' in found && found.process && compareIdentity(found.process.identity, identity)).toBe('same');
    });

    test('S4: a process that ended is dead', async () => {
      await using world = await createWorld();
      const identity = await identityOf(world.table, await world.start());
      expect(await world.table.signal(identity, 'SIGKILL')).toEqual({ outcome: 'sent' });
      await eventually('its end', async () => (await world.table.lookup(identity)).status === 'dead');
      expect(await world.table.signal(identity, 'SIGKILL')).toEqual({ outcome: 'gone' });
      expect(await world.table.descendants(identity)).toEqual([]);
      expect(await world.table.commandLine(identity)).toEqual([]);
    });

    test('a signal reaches the process meant and no other', async () => {
      await using world = await createWorld();
      const target = await identityOf(world.table, await world.start());
      const bystander = await identityOf(world.table, await world.start());
      expect(await world.table.signal(target, 'SIGTERM')).toEqual({ outcome: 'sent' });
      await eventually('the end of the target', async () => (await world.table.lookup(target)).status === 'dead');
      expect(await world.table.lookup(bystander)).toMatchObject({ status: 'alive' });
    });

    test.skipIf(!can.stops)('a stopped process is alive, and acts on SIGTERM once it is continued', async () => {
      await using world = await createWorld();
      const identity = await identityOf(world.table, await world.start());
      const state = async (): Promise<string> => {
        const found = await world.table.lookup(identity);
        return found.status === 'alive' ? found.process.state : found.status;
      };
      await world.table.signal(identity, 'SIGSTOP');
      await eventually('its stop', async () => (await state()) === 'stopped');
      await world.table.signal(identity, 'SIGTERM');
      expect(await state()).toBe('stopped');
      await world.table.signal(identity, 'SIGCONT');
      await eventually('its end', async () => (await state()) === 'dead');
    });

    test.skipIf(can.stops)('a signal that cannot be sent is refused', async () => {
      await using world = await createWorld();
      const identity = await identityOf(world.table, await world.start());
      expect(await world.table.signal(identity, 'SIGSTOP')).toMatchObject({ outcome: 'refused' });
      expect(await world.table.lookup(identity)).toMatchObject({ status: 'alive' });
    });

    test('fault 1: a pid that now belongs to another process is not signalled', async () => {
      await using world = await createWorld();
      const innocent = await identityOf(world.table, await world.start({ depth: 1 }));
      const recorded = { ...innocent, startToken: anotherStart(innocent.startToken) };
      expect(await world.table.lookup(recorded)).toEqual({ status: 'dead', reason: 'reused' });
      expect(await world.table.signal(recorded, 'SIGKILL')).toMatchObject({ outcome: 'foreign' });
      expect(await world.table.descendants(recorded)).toEqual([]);
      expect(await world.table.lookup(innocent)).toMatchObject({ status: 'alive' });
    });

    const elsewhere: [string, (identity: ProcessIdentity) => ProcessIdentity][] = [
      ['of another machine', (identity) => ({ ...identity, machineId: 'another', bootId: 'another' })],
      ['of another PID namespace', (identity) => ({ ...identity, pidNs: 'pid:[0]' })],
      ['without a start token', (identity) => ({ ...identity, startToken: '' })],
      ['without a boot id', (identity) => ({ ...identity, bootId: '' })],
    ];
    test.each(elsewhere)('fault 3: an identity %s is unknown: neither dead nor signalled', async (_name, change) => {
      await using world = await createWorld();
      const identity = await identityOf(world.table, await world.start());
      const recorded = change(identity);
      expect(await world.table.lookup(recorded)).toMatchObject({ status: 'unknown' });
      expect(await world.table.signal(recorded, 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
      expect(await world.table.lookup(identity)).toMatchObject({ status: 'alive' });
    });

    test('fault 6: a process of an earlier boot is dead, whoever has its pid today', async ({ skip }) => {
      await using world = await createWorld();
      const identity = await identityOf(world.table, await world.start());
      skip(
        identity.machineId === '',
        'this machine has no machine id: an earlier boot cannot be told from another machine',
      );
      const recorded = { ...identity, bootId: 'an earlier one' };
      expect(await world.table.lookup(recorded)).toEqual({ status: 'dead', reason: 'earlier-boot' });
      expect(await world.table.signal(recorded, 'SIGKILL')).toEqual({ outcome: 'gone' });
      expect(await world.table.lookup(identity)).toMatchObject({ status: 'alive' });
    });

    test('finds descendants, parents before children', async () => {
      await using world = await createWorld();
      const root = await identityOf(world.table, await world.start({ depth: 2 }));
      await world.start();
      const [child, grandchild, ...others] = await world.table.descendants(root);
      expect(child?.ppid).toBe(root.pid);
      expect(grandchild?.ppid).toBe(child?.identity.pid);
      expect(others).toEqual([]);
    });

    test.skipIf(!can.cookies)('finds the holders of a cookie, by its whole value', async () => {
      await using world = await createWorld();
      const cookie = `contract-${process.pid}-${Math.random()}`;
      const holder = await world.start({ cookie });
      await world.start({ cookie: `${cookie}-another` });
      expect(pids(await world.table.findByCookie(cookie))).toEqual([holder]);
      const identity = await identityOf(world.table, holder);
      await world.table.signal(identity, 'SIGKILL');
      await eventually('its end', async () => (await world.table.lookup(identity)).status === 'dead');
      expect(await world.table.findByCookie(cookie)).toEqual([]);
    });

    test.skipIf(!can.cookies)('reads cookies only where asked', async () => {
      await using world = await createWorld();
      const pid = await world.start({ cookie: 'listed' });
      const without = (await world.table.list()).find(({ identity }) => identity.pid === pid);
      expect(without).toBeDefined();
      expect(without).not.toHaveProperty('cookie');
      const found = await world.table.identify(pid);
      expect(found).not.toHaveProperty('process.cookie');
      const withCookie = (await world.table.list({ cookies: true })).find(({ identity }) => identity.pid === pid);
      expect(withCookie).toMatchObject({ cookie: 'listed' });
    });

    test.skipIf(can.cookies)('where cookies cannot be read, none is found', async () => {
      await using world = await createWorld();
      const pid = await world.start({ cookie: 'unread' });
      expect(await world.table.findByCookie('unread')).toEqual([]);
      expect(pids(await world.table.list({ cookies: true }))).toContain(pid);
    });

    test.skipIf(!can.cookies)(
      'fault 2: same pid, same start: the cookie decides, and an absent one does not',
      async () => {
        await using world = await createWorld();
        const grandchild = async (cookie?: string): Promise<ProcessIdentity> => {
          const parent = await world.start({ depth: 1, ...(cookie === undefined ? {} : { cookie }) });
          const [below] = await world.table.descendants(await identityOf(world.table, parent));
          if (below === undefined) throw new Error(`${parent} has no child`);
          return below.identity;
        };
        const marked = await grandchild('mine');
        expect(await world.table.lookup({ ...marked, cookie: 'mine' })).toMatchObject({ status: 'alive' });
        const another = { ...marked, cookie: 'another' };
        expect(await world.table.lookup(another)).toEqual({ status: 'dead', reason: 'reused' });
        expect(await world.table.signal(another, 'SIGKILL')).toMatchObject({ outcome: 'foreign' });
        const bare = { ...(await grandchild()), cookie: 'mine' };
        expect(await world.table.lookup(bare)).toMatchObject({ status: 'unknown' });
        expect(await world.table.signal(bare, 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
        expect(await world.table.identify(bare.pid)).toMatchObject({ status: 'alive' });
        expect(await world.table.signal({ ...marked, cookie: 'mine' }, 'SIGKILL')).toEqual({ outcome: 'sent' });
      },
    );

    test.skipIf(!can.groups)('a signal to a group reaches all of it and no other', async () => {
      await using world = await createWorld();
      const leader = await identityOf(world.table, await world.start({ leader: true, depth: 1 }));
      const bystander = await identityOf(world.table, await world.start({ leader: true }));
      const members = await world.table.groupMembers(leader.pid);
      expect(members).toHaveLength(2);
      expect(await world.table.signalGroup(leader, 'SIGKILL')).toEqual({ outcome: 'sent' });
      for (const { identity } of members) await ended(world.table, identity);
      expect(await world.table.lookup(bystander)).toMatchObject({ status: 'alive' });
    });

    test.skipIf(!can.groups)('no group is signalled for one who does not lead it', async () => {
      await using world = await createWorld();
      const leader = await identityOf(world.table, await world.start({ leader: true, depth: 1 }));
      const [member] = await world.table.descendants(leader);
      if (member === undefined) throw new Error('the leader is alone');
      expect(await world.table.signalGroup(member.identity, 'SIGKILL')).toMatchObject({ outcome: 'refused' });
      expect(await world.table.groupMembers(leader.pid)).toHaveLength(2);
    });

    test.skipIf(!can.groups)('fault 1: no group is signalled for a leader whose pid has been reused', async () => {
      await using world = await createWorld();
      const leader = await identityOf(world.table, await world.start({ leader: true, depth: 1 }));
      const recorded = { ...leader, startToken: anotherStart(leader.startToken) };
      expect(await world.table.signalGroup(recorded, 'SIGKILL')).toMatchObject({ outcome: 'foreign' });
      const elsewhere = { ...leader, pidNs: 'pid:[0]' };
      expect(await world.table.signalGroup(elsewhere, 'SIGKILL')).toMatchObject({ outcome: 'unknown' });
      expect(await world.table.groupMembers(leader.pid)).toHaveLength(2);
    });

    test('counts and sums what processes use, and leaves the dead out', async () => {
      await using world = await createWorld();
      const first = await identityOf(world.table, await world.start());
      const second = await identityOf(world.table, await world.start());
      const [alone, other, both] = await Promise.all([
        world.table.usage([first]),
        world.table.usage([second]),
        world.table.usage([first, second]),
      ]);
      expect(both.processes).toBe(2);
      expect(alone.memoryBytes).toBeGreaterThan(0);
      // The kernel counts pages in batches: two looks differ by a few.
      expect(both.memoryBytes / (alone.memoryBytes + other.memoryBytes)).toBeCloseTo(1, 1);
      expect(Math.abs(both.cpuMs - alone.cpuMs - other.cpuMs)).toBeLessThan(100);
      const reused = { ...second, startToken: anotherStart(second.startToken) };
      expect((await world.table.usage([first, reused])).processes).toBe(1);
      await world.table.signal(second, 'SIGKILL');
      await ended(world.table, second);
      expect((await world.table.usage([first, second])).processes).toBe(1);
      expect(await world.table.usage([second])).toEqual({ processes: 0, cpuMs: 0, memoryBytes: 0 });
    });
  });
};
