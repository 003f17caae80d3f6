import { readdirSync } from 'node:fs';
import type { FakeClock, FakeProcessTable } from '@cm/process-table/testing';
import fc from 'fast-check';
import { expect } from 'vitest';
import {
  isProcessRegistryError,
  openProcessRegistry,
  type ProcessRecord,
  type ProcessRegistry,
  type RowEvent,
  readProcessRegistry,
} from '../../src/index.js';
import { spec } from '../support.js';
import type { FaultyDisk } from './faulty-disk.js';
import {
  type Answer,
  happen,
  type ModelRow,
  prepare,
  type Rows,
  register,
  restart,
  without,
} from './registry-model.js';

/** The registry under test, and what it stands on. */
export interface World {
  registry: ProcessRegistry;
  readonly directory: string;
  readonly disk: FaultyDisk;
  readonly table: FakeProcessTable;
  readonly clock: FakeClock;
}

/** What it should be. */
export interface Model {
  /** As its user sees it. */
  rows: Rows;
  /** As a successor finds it after a crash: the same, unless the disk was full. */
  onDisk: Rows;
  full: boolean;
  /** Of processes on record that have ended; no pid is recorded twice. */
  readonly dead: Set<number>;
  /** Commands that were run. */
  steps: number;
}

type Command = fc.AsyncCommand<Model, World>;

export const openIn = ({ directory, disk, table, clock }: Omit<World, 'registry'>): Promise<ProcessRegistry> =>
  openProcessRegistry({ directory, table, clock, fs: disk.fs, compactAfter: 4 });

const shown = (row: ProcessRecord): ModelRow => ({
  session: row.sessionId,
  name: row.name,
  status: row.status,
  pid: row.identity?.pid,
  reason: row.exit?.reason,
  restarts: row.restarts?.count ?? 0,
});

const assertSame = async (model: Model, { registry, directory }: World): Promise<void> => {
  expect(registry.getAll().map(shown)).toEqual(model.rows);
  for (const session of ['a', 'b']) {
    expect(registry.getBySession(session).map(shown)).toEqual(model.rows.filter((row) => row.session === session));
  }
  for (const { pid } of model.rows) {
    if (pid !== undefined) expect(registry.getByPid(pid)?.identity?.pid).toBe(pid);
  }
  expect(readProcessRegistry({ directory }).rows.map(shown)).toEqual(model.onDisk);
};

const command = (name: string, run: (model: Model, world: World) => Promise<void> | void): Command => ({
  check: () => true,
  run: async (model, world) => {
    model.steps += 1;
    await run(model, world);
    await assertSame(model, world);
  },
  toString: () => name,
});

const refusalOf = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    if (isProcessRegistryError(error)) return error.code;
    throw error;
  }
};

/** One change of a registry, and what it should come to. */
interface Change {
  readonly name: string;
  /** Whether it is refused when it cannot be written; the others are believed all the same. */
  readonly mustBeWritten: boolean;
  readonly expected: (rows: Rows) => Answer;
  readonly make: (registry: ProcessRegistry, world: World) => unknown;
}

const idAt = (registry: ProcessRegistry, index: number): string => registry.getAll()[index]?.id ?? 'none';

const changes = {
  prepare: (session: string, name: string): Change => ({
    name: `prepare ${session}/${name}`,
    mustBeWritten: true,
    expected: (rows) => prepare(rows, session, name),
    make: (registry) => registry.prepare(spec({ sessionId: session, name })),
  }),
  restart: (index: number): Change => ({
    name: `restart ${index}`,
    mustBeWritten: true,
    expected: (rows) => restart(rows, index),
    make: (registry) => {
      const count = (registry.getAll()[index]?.restarts?.count ?? 0) + 1;
      return registry.prepareRestart(idAt(registry, index), { restarts: { count, at: [count], storms: 0 } });
    },
  }),
  happen: (index: number, event: Exclude<RowEvent, { type: 'registered' | 'restart-intended' }>): Change => ({
    name: `${event.type} ${index}`,
    mustBeWritten: false,
    expected: (rows) => ({ rows: happen(rows, index, event) }),
    make: (registry) => registry.transition(idAt(registry, index), event),
  }),
  unregister: (index: number): Change => ({
    name: `unregister ${index}`,
    mustBeWritten: false,
    expected: (rows) => ({ rows: rows.filter((_, at) => at !== index) }),
    make: (registry) => {
      const known = registry.getAll()[index] !== undefined;
      expect(registry.unregister(idAt(registry, index))).toEqual({ removed: known });
    },
  }),
};

/** A change on a disk that may be full. */
const apply = (model: Model, world: World, { mustBeWritten, expected, make }: Change): void => {
  const answer = expected(model.rows);
  const refusal = refusalOf(() => make(world.registry, world));
  if ('refused' in answer) {
    expect(refusal).toBe(answer.refused);
    return;
  }
  const written = !model.full || answer.rows.every((row, at) => row === model.rows[at]);
  expect(refusal).toBe(mustBeWritten && !written ? 'write-failed' : undefined);
  if (refusal !== undefined) {
    expect(world.registry.state().status).toBe('degraded');
    return;
  }
  const changed = answer.rows.length !== model.rows.length || answer.rows.some((row, at) => row !== model.rows[at]);
  model.rows = answer.rows;
  // Whatever could be written takes along what could not be before.
  if (changed && !model.full) model.onDisk = model.rows;
};

const change = (what: Change): Command => command(what.name, (model, world) => apply(model, world, what));

const reopen = async (model: Model, world: World): Promise<void> => {
  world.disk.restart();
  model.rows = model.onDisk;
  world.registry = await openIn(world);
  expect(world.registry.recovered).toMatchObject({ quarantined: [], dropped: 0 });
  expect(readdirSync(world.directory).filter((file) => file.includes('.corrupt'))).toEqual([]);
};

/** The process is killed at some call of the file system while it makes a change. */
const crashDuring = (what: Change, call: number): Command =>
  command(`crash at call ${call} of ${what.name}`, async (model, world) => {
    // What could not be written earlier may go to disk in parts: the other commands cover that.
    if (model.rows !== model.onDisk || model.full) return apply(model, world, what);
    const before = model.onDisk;
    const answer = what.expected(before);
    const after = 'refused' in answer ? before : answer.rows;
    world.disk.crashAt(call);
    const refusal = refusalOf(() => what.make(world.registry, world));
    const acknowledged = refusal === undefined && (what.mustBeWritten || world.registry.state().status === 'ok');
    world.disk.restart();
    const found = readProcessRegistry({ directory: world.directory }).rows.map(shown);
    const made = JSON.stringify(found) === JSON.stringify(after);
    expect(found).toEqual(made || acknowledged ? after : before);
    model.onDisk = made ? after : before;
    return reopen(model, world);
  });

const indexes = fc.nat({ max: 5 });
const events = fc.constantFrom<Parameters<typeof changes.happen>[1]>(
  { type: 'stop-asked' },
  { type: 'exited', code: 1, signal: null },
  { type: 'found-dead' },
  { type: 'found-alive' },
  { type: 'killed' },
  { type: 'survived' },
  { type: 'identity-lost' },
);
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('x', 'y', 'z'))
      .map(([s, n]) => changes.prepare(s, n)),
  },
  { weight: 4, arbitrary: fc.tuple(indexes, events).map(([index, event]) => changes.happen(index, event)) },
  { weight: 2, arbitrary: indexes.map(changes.unregister) },
  { weight: 2, arbitrary: indexes.map(changes.restart) },
);

const registerAt = (index: number): Command =>
  command(`register ${index}`, (model, world) => {
    const { registry, table } = world;
    const identity = table.start({ cookie: registry.getAll()[index]?.cookie ?? '' });
    const { rows } = model;
    apply(model, world, {
      name: '',
      mustBeWritten: true,
      expected: (rows) => register(rows, index, identity.pid),
      make: () => registry.register(idAt(registry, index), { identity, containment: 'group' }),
    });
    // Whoever is not on record is stopped (R13).
    if (model.rows === rows) table.exit(identity.pid);
  });

/** The process of a row ends while nobody looks; its pid may go to an innocent one. */
const die = (index: number, reused: boolean): Command =>
  command(`${reused ? 'reuse the pid of' : 'end the process of'} ${index}`, ({ rows, dead }, { table }) => {
    const pid = rows[index]?.pid;
    if (pid === undefined || dead.has(pid)) return;
    dead.add(pid);
    if (reused) table.reusePid(pid);
    else table.exit(pid);
  });

const isDead =
  ({ dead }: Model) =>
  ({ pid }: ModelRow): boolean =>
    pid !== undefined && dead.has(pid);

const prune: Command = command('prune', async (model, { registry }) => {
  const removed = await registry.pruneDeadEntries();
  expect(removed.map(shown)).toEqual(model.rows.filter(isDead(model)));
  model.rows = without(model.rows, isDead(model));
  if (!model.full) model.onDisk = model.rows;
});

const recover: Command = command('recover', async (model, { registry }) => {
  const recovered = await registry.recover();
  expect(recovered.map(({ status }) => (status === 'reused' ? 'dead' : status))).toEqual(
    model.rows.map((row) => (row.pid === undefined || isDead(model)(row) ? 'dead' : 'alive')),
  );
});

const commands: readonly fc.Arbitrary<Command>[] = [
  anyChange.map(change),
  anyChange.map(change),
  anyChange.map(change),
  indexes.map(registerAt),
  indexes.map(registerAt),
  fc.tuple(indexes, fc.boolean()).map(([index, reused]) => die(index, reused)),
  fc.constant(prune),
  fc.constant(recover),
  fc.boolean().map((full) =>
    command(full ? 'fill the disk' : 'free the disk', (model, { disk }) => {
      model.full = full;
      disk.setFull(full);
    }),
  ),
  fc.constant(command('crash at rest', reopen)),
  fc.tuple(anyChange, fc.integer({ min: 1, max: 24 })).map(([what, call]) => crashDuring(what, call)),
  fc.constant(
    command('close and open again', async (model, world) => {
      await world.registry.close();
      if (!model.full) model.onDisk = model.rows;
      await reopen(model, world);
    }),
  ),
];

export const registryCommands = (maxCommands: number): fc.Arbitrary<Iterable<Command>> =>
  fc.commands([...commands], { maxCommands, size: 'max' });
