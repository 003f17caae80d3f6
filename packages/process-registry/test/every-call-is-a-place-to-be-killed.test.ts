import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createFakeProcessTable, type FakeProcessTable } from '@cm/process-table/testing';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { openProcessRegistry, type ProcessRegistry, readProcessRegistry } from '../src/index.js';
import { type Acknowledgements, acknowledgements } from './acknowledgements.js';
import { type FaultyDisk, faultyDisk } from './model/faulty-disk.js';
import { seeded } from './seeded.js';
import { atOnceFs, spec } from './support.js';

const SEED = 20_261_128;
const HOW = ['before', 'half', 'after'] as const;
type How = (typeof HOW)[number];

/** A machine: its disk and its processes outlive whoever works on them. */
interface Machine {
  readonly directory: string;
  readonly table: FakeProcessTable;
  readonly disk: FaultyDisk;
  readonly told: Acknowledgements;
}

class Killed extends Error {}

const open = async ({ directory, table, disk }: Machine): Promise<ProcessRegistry> => {
  const registry = await openProcessRegistry({ directory, table, fs: disk.fs, compactAfter: 5 });
  if (disk.hasCrashed()) throw new Killed();
  return registry;
};

const change = (machine: Machine, name: string, status: string, make: () => unknown): void => {
  machine.told.attempt(name, status);
  try {
    make();
  } catch (error) {
    if (!machine.disk.hasCrashed()) throw error;
  }
  // It never learned that its call had returned.
  if (machine.disk.hasCrashed()) throw new Killed();
  machine.told.done(name, status);
};

/** One whole life: six children started, two restarted, four of them ended, and all that the journal does meanwhile. */
const work = async (machine: Machine, generation: string): Promise<void> => {
  const { table } = machine;
  const registry = await open(machine);
  const ids = new Map<string, string>();
  const idOf = (name: string): string => ids.get(name) ?? '';
  const record = (name: string): void => {
    const identity = table.start({ cookie: registry.get(idOf(name))?.cookie ?? '' });
    change(machine, name, 'running', () => registry.register(idOf(name), { identity, containment: 'group' }));
  };
  const start = (name: string): void => {
    change(machine, name, 'intended', () => ids.set(name, registry.prepare(spec({ name })).id));
    record(name);
  };
  const end = (name: string): void => {
    change(machine, name, 'stopping', () => registry.transition(idOf(name), { type: 'stop-asked' }));
    table.exit(registry.get(idOf(name))?.identity?.pid ?? 0);
    const exit = { type: 'exited', code: 0, signal: null } as const;
    change(machine, name, 'exited', () => registry.transition(idOf(name), exit, { stderrTail: 'last words' }));
  };
  const [a, b, c, d, e, f] = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => `${generation}${letter}`);
  if (!a || !b || !c || !d || !e || !f) return;
  for (const name of [a, b, c, d]) start(name);
  for (const name of [a, b]) {
    end(name);
    const restarts = { count: 1, at: [1], storms: 0 };
    change(machine, name, 'intended', () => registry.prepareRestart(idOf(name), { restarts }));
    record(name);
  }
  for (const name of [e, f]) start(name);
  for (const name of [a, c, e, f]) {
    end(name);
    change(machine, name, 'removed', () => registry.unregister(idOf(name)));
  }
  await registry.close();
};

/** What every next one does first: everybody who is found is ended, and every row concluded. */
const cleanUp = async (machine: Machine): Promise<void> => {
  const registry = await open(machine);
  for (const { row, status, found } of await registry.recover()) {
    if (status === 'alive' && row.identity !== undefined) machine.table.exit(row.identity.pid);
    for (const { identity } of found) machine.table.exit(identity.pid);
    if (row.status !== 'exited' && row.status !== 'killed') {
      change(machine, row.name, 'killed', () => registry.transition(row.id, { type: 'killed' }));
    }
    change(machine, row.name, 'removed', () => registry.unregister(row.id));
  }
  await registry.close();
};

/** Runs until the kill, or to its end: then false. */
const isKilled = async ({ disk }: Machine, run: Promise<void>): Promise<boolean> => {
  try {
    await run;
  } catch (error) {
    if (!disk.hasCrashed()) throw error;
  }
  return disk.hasCrashed();
};

const assertNothingLost = async (machine: Machine, story: string): Promise<void> => {
  const { directory, table, told } = machine;
  const { rows, recover } = readProcessRegistry({ directory });
  const onDisk = new Map(rows.map(({ name, status }): [string, string] => [name, status]));
  expect([...onDisk].sort(), story).toEqual(told.settle(onDisk));
  const owned = (await recover(table)).flatMap(({ row, status, found }) => [
    ...(status === 'alive' ? [row.identity?.pid] : []),
    ...found.map(({ identity }) => identity.pid),
  ]);
  for (const { identity } of await table.list()) expect(owned, `${story}: an unowned process`).toContain(identity.pid);
};

const machineOf = (directory: string): Machine => ({
  directory: join(directory, 'registry'),
  table: createFakeProcessTable(),
  // What is in the page cache survives a kill: waiting for the disk would only take time here.
  disk: faultyDisk({ ...atOnceFs, sync: () => {}, syncDirectory: () => {} }),
  told: acknowledgements(),
});

describe('a kill', () => {
  let points = 0;
  let withinRecovery = 0;

  it.each(HOW)(
    '%s any call of the file system loses nothing and leaves nobody unowned, also when the recovery is killed (faults 11, 15; field failures 4, 8, 86)',
    async (how: How) => {
      const random = seeded(SEED);
      // Each call twice: what happens to those who clean up is left to chance.
      for (let round = 2, reached = true; reached; round += 1) {
        const call = Math.floor(round / 2);
        await using temporary = await temporaryDirectory();
        const machine = machineOf(temporary.path);
        machine.disk.crashAt(call, how);
        reached = await isKilled(machine, work(machine, 'first '));
        machine.disk.restart();
        const story = `killed ${how} call ${call}`;
        await assertNothingLost(machine, story);
        points += 1;
        // The next ones are killed while they clean up, each further on its way or not.
        for (let attempt = 1, killed = true; killed; attempt += 1) {
          const later = attempt > 3 ? Number.POSITIVE_INFINITY : 1 + Math.floor(random() * 40);
          machine.disk.crashAt(later, HOW[Math.floor(random() * HOW.length)] ?? 'before');
          killed = await isKilled(machine, cleanUp(machine));
          machine.disk.restart();
          await assertNothingLost(
            machine,
            `${story}, then cleaning up, time ${attempt}, at call ${later} (seed ${SEED})`,
          );
          if (killed) withinRecovery += 1;
        }
        expect(await machine.table.list(), story).toEqual([]);
        expect(readProcessRegistry(machine).rows, story).toEqual([]);
        expect(readdirSync(machine.directory).sort(), story).not.toContainEqual(expect.stringContaining('corrupt'));
      }
    },
    120_000,
  );

  it('came at more than a thousand points', () => {
    console.log(`seed ${SEED}: ${points} kills at work, ${withinRecovery} while cleaning up`);
    expect(points + withinRecovery).toBeGreaterThan(1000);
  });
});
