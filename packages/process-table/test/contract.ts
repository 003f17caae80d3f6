import { describe, expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import type { ProcessIdentity, ProcessTable } from '../src/index.js';

export interface Start {
  /** Value of the scope cookie in its environment. */
  readonly cookie?: string;
  /** Leads a process group of its own. */
  readonly leader?: boolean;
  /** How many generations to start below it: 2 gives it a child and a grandchild. */
  readonly depth?: number;
}

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

/** What every process table keeps, the fake included. */
export const describeProcessTable = (name: string, createWorld: () => Promise<World>): void => {
  describe(`${name} keeps the contract`, () => {
    test('identifies a living process, and finds it again by that identity', async () => {
      await using world = await createWorld();
      const pid = await world.start();
      const identity = await identityOf(world.table, pid);
      expect(identity.pid).toBe(pid);
      expect(identity.startToken).not.toBe('');
      expect(await world.table.lookup(identity)).toMatchObject({
        status: 'alive',
        process: { identity, state: 'running' },
      });
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

    test('a stopped process is alive, and acts on SIGTERM once it is continued', async () => {
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

    test('fault 1: a pid that now belongs to another process is not signalled', async () => {
      await using world = await createWorld();
      const innocent = await identityOf(world.table, await world.start({ depth: 1 }));
      const recorded = { ...innocent, startToken: `${Number(innocent.startToken) + 1}` };
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

    test('finds descendants, parents before children', async () => {
      await using world = await createWorld();
      const root = await identityOf(world.table, await world.start({ depth: 2 }));
      await world.start();
      const [child, grandchild, ...others] = await world.table.descendants(root);
      expect(child?.ppid).toBe(root.pid);
      expect(grandchild?.ppid).toBe(child?.identity.pid);
      expect(others).toEqual([]);
    });

    test('finds the living members of a group, its leader included', async () => {
      await using world = await createWorld();
      const leader = await world.start({ leader: true, depth: 1 });
      await world.start({ leader: true });
      const members = await world.table.groupMembers(leader);
      expect(pids(members)).toContain(leader);
      expect(members.map(({ pgid }) => pgid)).toEqual([leader, leader]);
    });

    test('finds the holders of a cookie, by its whole value', async () => {
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

    test('lists in pid order, with cookies only where asked', async () => {
      await using world = await createWorld();
      const pid = await world.start({ cookie: 'listed' });
      await world.start();
      const rows = await world.table.list();
      expect(pids(rows)).toEqual([...pids(rows)].sort((a, b) => a - b));
      const without = rows.find(({ identity }) => identity.pid === pid);
      expect(without).toBeDefined();
      expect(without).not.toHaveProperty('cookie');
      const found = await world.table.identify(pid);
      expect(found).not.toHaveProperty('process.cookie');
      const withCookie = (await world.table.list({ cookies: true })).find(({ identity }) => identity.pid === pid);
      expect(withCookie).toMatchObject({ cookie: 'listed' });
    });
  });
};
