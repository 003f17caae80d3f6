import { openProcessRegistry, type ProcessRecord } from '@cm/process-registry';
import { createFakeProcessTable } from '@cm/process-table/testing';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import { silentLog } from '../../src/supervisor/log.js';
import type { PendingRestart } from '../../src/supervisor/restarter.js';
import { createRowMembers } from '../../src/supervisor/row-members.js';
import { createRowWatcher, type RowWatcherOptions } from '../../src/supervisor/watch-rows.js';

/** A registry with one running row that an earlier worker had started, and what sweeps over it. */
const stage = async (
  directory: string,
  restart: ProcessRecord['restart'],
  changes: Partial<RowWatcherOptions['table']> = {},
) => {
  const table = createFakeProcessTable();
  const registry = await openProcessRegistry({ directory, table });
  const { id } = registry.prepare({
    name: 'n',
    sessionId: 's',
    type: 'process',
    command: 'x',
    args: [],
    cwd: '/',
    restart,
    stopSignal: 'SIGTERM',
    graceMs: 0,
    killWaitMs: 0,
    onWorkerDeath: 'keep',
    envKeys: [],
  });
  const identity = table.start({ cookie: registry.get(id)?.cookie ?? '' });
  registry.register(id, { identity, containment: 'group' });
  const ended: string[] = [];
  const pendings = new Map<string, PendingRestart>();
  const crashes: string[] = [];
  const members = createRowMembers(table);
  let onFind = (): void => {};
  const watcher = createRowWatcher({
    registry,
    table: { ...table, ...changes },
    log: silentLog,
    members: {
      ...members,
      find: (rows) => {
        onFind();
        return members.find(rows);
      },
    },
    stopper: { isStopping: () => false },
    restarter: {
      ended: (row) => {
        ended.push(row.id);
        if (row.restart === 'temporary') return false;
        pendings.set(row.id, { at: '', storm: false, waitsForSlot: false });
        return true;
      },
      pending: (rowId) => pendings.get(rowId),
    },
    crashes: { note: ({ how }) => crashes.push(how) },
    forget: (rowId) => void registry.unregister(rowId),
  });
  const dieDuringTheNextLook = (): void => {
    onFind = () => table.exit(identity.pid);
  };
  const { pid } = identity;
  return { registry, table, watcher, ended, pendings, crashes, id, identity, pid, dieDuringTheNextLook };
};

test('a row that waits for its restart outlives every sweep', async () => {
  await using directory = await temporaryDirectory();
  const { registry, table, watcher, ended, id, pid, pendings } = await stage(directory.path, 'permanent');
  table.exit(pid);
  expect(await watcher.sweep()).toEqual([]);
  expect(await watcher.sweep()).toEqual([]);
  expect([ended, registry.get(id)?.status]).toEqual([[id], 'exited']);
  // Once nobody sees to it any more, it goes like any other.
  pendings.clear();
  expect(await watcher.sweep()).toEqual([pid]);
  expect(registry.getAll()).toEqual([]);
  await registry.close();
});

test('one that dies in the middle of a sweep is asked about its restart by the next look, not forgotten by this one', async () => {
  await using directory = await temporaryDirectory();
  const { registry, watcher, ended, id, dieDuringTheNextLook } = await stage(directory.path, 'permanent');
  dieDuringTheNextLook();
  expect(await watcher.sweep()).toEqual([]);
  expect(ended).toEqual([]);
  await watcher.lookAtAdopted();
  expect([ended, registry.get(id)?.status]).toEqual([[id], 'exited']);
  await registry.close();
});

test('two looks at once find one end: the second does not take the next run for the dead one', async () => {
  await using directory = await temporaryDirectory();
  const { registry, table, watcher, ended, pendings, id, pid } = await stage(directory.path, 'permanent');
  table.exit(pid);
  const first = watcher.lookAtAdopted();
  const lookup = table.lookup;
  let look = (): void => {};
  table.lookup = async (identity) => {
    await new Promise<void>((resolve) => {
      look = resolve;
    });
    return lookup(identity);
  };
  const second = watcher.lookAtAdopted();
  await first;
  // Meanwhile the row runs again.
  registry.prepareRestart(id, { restarts: { count: 1, at: [], storms: 0 } });
  registry.register(id, { identity: table.start({ cookie: registry.get(id)?.cookie ?? '' }), containment: 'group' });
  pendings.clear();
  look();
  await second;
  expect([ended, registry.get(id)?.status]).toEqual([[id], 'running']);
  await registry.close();
});

test('one that is never started again is forgotten as soon as it is known to be dead', async () => {
  await using directory = await temporaryDirectory();
  const { registry, watcher, pid, dieDuringTheNextLook } = await stage(directory.path, 'temporary');
  dieDuringTheNextLook();
  expect(await watcher.sweep()).toEqual([pid]);
  expect(registry.getAll()).toEqual([]);
  await registry.close();
});

test.each([
  ['ends by itself', { code: 3, signal: null }, 'nothing', ['exit code 3']],
  ['is killed from outside', { code: null, signal: 'SIGKILL' }, 'nothing', ['SIGKILL']],
  ['ends as it was told from outside', { code: 143, signal: null }, 'nothing', []],
  ['is being stopped', { code: null, signal: 'SIGKILL' }, 'stopping', []],
  ['was stopped, faster than its end was heard of', { code: null, signal: 'SIGKILL' }, 'gone', []],
] as const)('a child that %s: %j (field failures 26, 55)', async (_what, exit, before, noted) => {
  await using directory = await temporaryDirectory();
  const { registry, table, watcher, ended, crashes, id, identity, pid } = await stage(directory.path, 'permanent');
  const row = registry.get(id);
  if (row === undefined) throw new Error('no row');
  table.exit(pid);
  if (before === 'stopping') registry.transition(id, { type: 'stop-asked' });
  if (before === 'gone') registry.unregister(id);
  watcher.follow(row, { identity, pgid: pid, exited: Promise.resolve(exit) }, { stderrTail: () => '' });
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  expect([crashes, ended]).toEqual([noted, before === 'gone' ? [] : [id]]);
  await registry.close();
});

test('the end of a child is on record, and its policy is asked, also where nobody can be looked at just then (fault 14)', async () => {
  await using directory = await temporaryDirectory();
  const { registry, watcher, ended, id, identity } = await stage(directory.path, 'permanent', {
    groupMembers: async () => {
      throw new Error('/proc cannot be read: EMFILE');
    },
  });
  const row = registry.get(id);
  if (row === undefined) throw new Error('no row');
  let exit = (_: { code: number; signal: null }): void => {};
  const exited = new Promise<{ code: number; signal: null }>((resolve) => {
    exit = resolve;
  });
  watcher.follow(row, { identity, pgid: identity.pid, exited }, { stderrTail: () => '' });
  exit({ code: 1, signal: null });
  await new Promise(setImmediate);
  expect([registry.get(id)?.status, ended]).toEqual(['exited', [id]]);
  await registry.close();
});
