import { rmSync } from 'node:fs';
import { createFakeProcessTable } from '@cm/process-table/testing';
import { expect, it } from 'vitest';
import { type ProcessRegistry, readProcessRegistry } from '../src/index.js';
import { openRegistry, spec } from './support.js';

const containment = 'group';
const names = (registry: ProcessRegistry): string[] => registry.getAll().map(({ name }) => name);

it('prune forgets what is proven dead and names it, keeps the living, the unknown and the intents (R4, R16)', async () => {
  await using opened = await openRegistry();
  const { registry, table } = opened;
  const start = (name: string): number => {
    const identity = table.start();
    registry.register(registry.prepare(spec({ name })).id, { identity, containment });
    return identity.pid;
  };
  start('alive');
  const gone = start('gone');
  const zombie = start('zombie');
  const reused = start('reused');
  const hidden = start('hidden');
  const { machineId: _, ...place } = table.start();
  registry.register(registry.prepare(spec({ name: 'elsewhere' })).id, {
    identity: { ...place, machineId: 'another' },
    containment,
  });
  registry.prepare(spec({ name: 'intent' }));
  table.exit(gone);
  table.exit(zombie, 'zombie');
  table.reusePid(reused);
  table.hide(hidden);

  const removed = await registry.pruneDeadEntries();
  expect(removed.map(({ name, identity }) => [name, identity?.pid])).toEqual([
    ['gone', gone],
    ['zombie', zombie],
    ['reused', reused],
  ]);
  expect(names(registry)).toEqual(['alive', 'hidden', 'elsewhere', 'intent']);
  expect(table.signals).toEqual([]);
  expect(names(await opened.reopen())).toEqual(['alive', 'hidden', 'elsewhere', 'intent']);
});

it('two prunes at once, or one after the other, name a row once (R19, R27)', async () => {
  await using opened = await openRegistry();
  const { registry, table } = opened;
  const identity = table.start();
  const { id } = registry.prepare(spec());
  registry.register(id, { identity, containment });
  table.exit(identity.pid);
  const removed = await Promise.all([registry.pruneDeadEntries(), registry.pruneDeadEntries()]);
  expect(removed.flat().map((row) => row.id)).toEqual([id]);
  expect(await registry.pruneDeadEntries()).toEqual([]);
});

it('a row that its user wants to keep for its members is spared', async () => {
  await using opened = await openRegistry();
  for (const name of ['a', 'b']) {
    const identity = opened.table.start();
    opened.registry.register(opened.registry.prepare(spec({ name })).id, { identity, containment });
    opened.table.exit(identity.pid);
  }
  const removed = await opened.registry.pruneDeadEntries({ spare: ({ name }) => name === 'a' });
  expect(removed.map(({ name }) => name)).toEqual(['b']);
  expect(names(opened.registry)).toEqual(['a']);
});

it('nothing is pruned from a registry that is closed meanwhile (field failure 8)', async () => {
  await using opened = await openRegistry();
  const identity = opened.table.start();
  opened.registry.register(opened.registry.prepare(spec()).id, { identity, containment });
  opened.table.exit(identity.pid);
  const pruning = opened.registry.pruneDeadEntries();
  const next = await opened.reopen();
  await expect(pruning).rejects.toMatchObject({ code: 'closed' });
  expect(names(next)).toEqual(['server']);
});

it('a row of an earlier boot is dead (fault 6)', async () => {
  const rebooted = createFakeProcessTable({ bootId: 'next boot', machineId: 'machine', pidNs: 'pid:[1]' });
  await using opened = await openRegistry({ table: rebooted });
  const identity = opened.table.start();
  rebooted.start({ pid: identity.pid });
  opened.registry.register(opened.registry.prepare(spec()).id, { identity, containment });
  expect((await opened.registry.pruneDeadEntries()).map(({ name }) => name)).toEqual(['server']);
});

it('a sweep finds that somebody has removed the files, and has them written anew', async () => {
  await using opened = await openRegistry();
  const { registry, table, directory } = opened;
  registry.register(registry.prepare(spec()).id, { identity: table.start(), containment });
  rmSync(directory, { recursive: true });
  expect(await registry.pruneDeadEntries()).toEqual([]);
  expect(readProcessRegistry({ directory }).rows).toEqual(registry.getAll());
});

it('a row that is started again while it is looked at is not forgotten for its former process', async () => {
  await using opened = await openRegistry();
  const { registry, table } = opened;
  const { id } = registry.prepare(spec());
  const { pid } = registry.register(id, { identity: table.start(), containment }).identity ?? { pid: 0 };
  table.exit(pid);
  registry.transition(id, { type: 'exited', code: 1, signal: null });
  const pruning = registry.pruneDeadEntries();
  registry.prepareRestart(id, { restarts: { count: 1, at: [], storms: 0 } });
  registry.register(id, { identity: table.start(), containment });
  expect(await pruning).toEqual([]);
  expect(registry.get(id)?.status).toBe('running');
});
