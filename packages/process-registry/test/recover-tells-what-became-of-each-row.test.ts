import { createFakeProcessTable } from '@cm/process-table/testing';
import { expect, it } from 'vitest';
import type { ProcessRegistry, RecoveredRow } from '../src/index.js';
import { openRegistry, spec } from './support.js';

const containment = 'group';

const summary = (rows: RecoveredRow[]): unknown[] =>
  rows.map(({ row, status, found }) => [row.name, status, found.map(({ identity }) => identity.pid)]);

it('recover compares identities and finds intents and orphaned members by cookie (field failures 4, 41; fault 13)', async () => {
  const table = createFakeProcessTable();
  let lists = 0;
  await using opened = await openRegistry({
    createCookie: (id) => `cookie ${id}`,
    table: {
      lookup: table.lookup,
      list: (options) => {
        lists += 1;
        return table.list(options);
      },
    },
  });
  const start = (name: string, registry: ProcessRegistry = opened.registry): { pid: number; cookie: string } => {
    const { id, cookie } = registry.prepare(spec({ name }));
    const identity = table.start({ cookie });
    registry.register(id, { identity, containment });
    return { pid: identity.pid, cookie };
  };
  start('alive');
  const dead = start('dead');
  const leaderless = start('leaderless');
  const reused = start('reused');
  const hidden = start('hidden');
  opened.registry.prepare(spec({ name: 'never spawned' }));
  const halfway = opened.registry.prepare(spec({ name: 'spawned, not recorded' }));

  const member = table.start({ cookie: leaderless.cookie, ppid: leaderless.pid }).pid;
  const zombie = table.start({ cookie: leaderless.cookie }).pid;
  table.exit(zombie, 'zombie');
  table.exit(dead.pid);
  table.exit(leaderless.pid);
  table.reusePid(reused.pid);
  table.hide(hidden.pid);
  const child = table.start({ cookie: halfway.cookie }).pid;
  const grandchild = table.start({ cookie: halfway.cookie, ppid: child }).pid;
  table.start({ cookie: 'a live sibling worker' });
  table.start({ command: 'fake' });

  const registry = await opened.reopen();
  const before = registry.getAll();
  expect(summary(await registry.recover())).toEqual([
    ['alive', 'alive', []],
    ['dead', 'dead', []],
    ['leaderless', 'dead', [member]],
    ['reused', 'reused', []],
    ['hidden', 'unknown', []],
    ['never spawned', 'dead', []],
    ['spawned, not recorded', 'alive', [child, grandchild]],
  ]);
  expect(registry.getAll()).toEqual(before);
  expect(lists).toBe(1);
  expect(table.signals).toEqual([]);
});

it('does not list the processes of the machine when every row is alive', async () => {
  const table = createFakeProcessTable();
  await using opened = await openRegistry({
    table: { lookup: table.lookup, list: () => Promise.reject(new Error('listed')) },
  });
  const { id, cookie } = opened.registry.prepare(spec());
  opened.registry.register(id, { identity: table.start({ cookie }), containment });
  expect(summary(await opened.registry.recover())).toEqual([['server', 'alive', []]]);
});

it('a process with a row of its own is not found again by a cookie it shares', async () => {
  await using opened = await openRegistry();
  const { registry, table } = opened;
  const gone = table.start({ cookie: 'shared' });
  const living = table.start({ cookie: 'shared' });
  const member = table.start({ cookie: 'shared' });
  for (const [name, identity] of Object.entries({ gone, living })) {
    registry.register(registry.prepare(spec({ name }), { cookie: 'shared' }).id, { identity, containment });
  }
  table.exit(gone.pid);
  expect(summary(await registry.recover())).toEqual([
    ['gone', 'dead', [member.pid]],
    ['living', 'alive', []],
  ]);
});
