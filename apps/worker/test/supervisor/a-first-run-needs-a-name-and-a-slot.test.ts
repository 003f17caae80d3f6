import { openProcessRegistry } from '@cm/process-registry';
import { createFakeProcessTable } from '@cm/process-table/testing';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import { createFirstRuns, type FirstRunsOptions } from '../../src/supervisor/first-runs.js';
import { createHeldSlots } from '../../src/supervisor/held-slots.js';
import { createInFlight } from '../../src/supervisor/in-flight.js';
import { createLatch } from '../../src/supervisor/latch.js';
import type { PendingRestart } from '../../src/supervisor/restarter.js';
import { createSlots } from '../../src/supervisor/slots.js';
import { SPAWN_DEFAULTS, type SpawnRequest } from '../../src/supervisor/spawn-request.js';

const REQUEST: SpawnRequest = { ...SPAWN_DEFAULTS, name: 'n', command: 'x' };

/** First runs among fakes, with one slot, which is taken. */
const stage = async (directory: string, changes: Partial<FirstRunsOptions> = {}) => {
  const registry = await openProcessRegistry({ directory, table: createFakeProcessTable() });
  const slots = createSlots(1);
  const held = createHeldSlots();
  const pendings = new Map<string, PendingRestart>();
  const latch = createLatch();
  const started: string[] = [];
  const firstRuns = createFirstRuns({
    registry,
    latch,
    isActive: () => true,
    slots,
    held,
    busy: createInFlight(),
    inFlight: createInFlight(),
    stopper: {
      isStopping: () => false,
      stop: async () => ({ ok: true, startedAt: '', durationMs: 0, targets: [], survivors: [], escaped: [] }),
    },
    restarter: { started: () => {}, pending: (id) => pendings.get(id) },
    intend: (sessionId, { env: _env, onDuplicate: _on, ...spec }) =>
      registry.prepare({ ...spec, sessionId, envKeys: [] }),
    start: async (row) => {
      started.push(row.id);
      return row;
    },
    ...changes,
  });
  registry.subscribe(({ type, row }) => {
    if (type === 'removed') held.release(row.id);
  });
  const taken = slots.tryReserve();
  if (taken === undefined) throw new Error('no slot');
  return { registry, slots, firstRuns, pendings, latch, started, taken };
};

const codeOf = (spawning: Promise<unknown>): Promise<unknown> =>
  spawning.then(
    () => 'started',
    (error: unknown) => Object(error).code ?? Object(error).message,
  );

test('a slot that is granted in the moment of the abort is given back, and nothing starts (fault 32)', async () => {
  await using directory = await temporaryDirectory();
  const { registry, slots, firstRuns, started, taken } = await stage(directory.path);
  const leaver = new AbortController();
  const code = codeOf(firstRuns.spawn('s', REQUEST, { waitForSlot: leaver.signal }));
  await new Promise(setImmediate);
  taken.release();
  leaver.abort(new Error('too late'));
  expect([await code, started, registry.getAll(), slots.state().reserved]).toEqual(['too late', [], [], 0]);
  await registry.close();
});

test.each(['SESSION_ENDED', 'STOPPING'] as const)(
  'what ended during the wait is asked about again: %s (R12)',
  async (expected) => {
    await using directory = await temporaryDirectory();
    let active = true;
    const { registry, slots, firstRuns, latch, started, taken } = await stage(directory.path, {
      isActive: () => active,
    });
    const code = codeOf(firstRuns.spawn('s', REQUEST, { waitForSlot: new AbortController().signal }));
    await new Promise(setImmediate);
    if (expected === 'STOPPING') latch.set();
    else active = false;
    taken.release();
    expect([await code, started, registry.getAll(), slots.state().reserved]).toEqual([expected, [], [], 0]);
    await registry.close();
  },
);

test('an intent that cannot be written gives the slot back (faults 31, 32)', async () => {
  await using directory = await temporaryDirectory();
  const { registry, slots, firstRuns, taken } = await stage(directory.path);
  taken.release();
  await registry.close();
  expect([await codeOf(firstRuns.spawn('s', REQUEST)), slots.state().reserved]).toEqual(['closed', 0]);
});

test('whoever stops a row, or ends its session, can see its spawn in flight (fault 27)', async () => {
  await using directory = await temporaryDirectory();
  const [busy, inFlight] = [createInFlight(), createInFlight()];
  const seen: unknown[] = [];
  const { registry, firstRuns, taken } = await stage(directory.path, {
    busy,
    inFlight,
    start: async (row) => {
      await new Promise(setImmediate);
      seen.push(busy.has(row.id), inFlight.has('s'));
      return row;
    },
  });
  taken.release();
  const { id } = await firstRuns.spawn('s', REQUEST);
  expect([seen, busy.has(id), inFlight.has('s')]).toEqual([[true, true], false, false]);
  await registry.close();
});

test('a start that fails gives slot, intent and name back (faults 31, 32)', async () => {
  await using directory = await temporaryDirectory();
  let fails = true;
  const { registry, slots, firstRuns, taken } = await stage(directory.path, {
    start: async (row) => {
      if (fails) throw new Error('ENOENT');
      return row;
    },
  });
  taken.release();
  expect([await codeOf(firstRuns.spawn('s', REQUEST)), registry.getAll()]).toEqual(['ENOENT', []]);
  expect(slots.state().reserved).toBe(0);
  fails = false;
  expect(await codeOf(firstRuns.spawn('s', REQUEST))).toBe('started');
  expect(await codeOf(firstRuns.spawn('s', { ...REQUEST, name: 'other' }))).toBe('NO_SLOT');
  await registry.close();
});

test('a name whose process ends in the last moment, and is started again, is not given away (field failure 40)', async () => {
  await using directory = await temporaryDirectory();
  const pendings = new Map<string, PendingRestart>();
  const { registry, slots, firstRuns, started, taken } = await stage(directory.path, {
    restarter: { started: () => {}, pending: (id) => pendings.get(id) },
    stopper: {
      isStopping: () => false,
      stop: async (rows) => {
        // The stop is over, and something of the same name has come up and ended meanwhile.
        for (const { id } of rows) pendings.set(id, { at: 'soon', storm: false, waitsForSlot: false });
        return { ok: true, startedAt: '', durationMs: 0, targets: [], survivors: [], escaped: [] };
      },
    },
  });
  taken.release();
  const { id } = await firstRuns.spawn('s', REQUEST);
  registry.transition(id, { type: 'exited', code: 1, signal: null });
  started.length = 0;
  expect(await codeOf(firstRuns.spawn('s', { ...REQUEST, onDuplicate: 'replace' }))).toBe('DUPLICATE_NAME');
  expect([started, registry.getAll().length, slots.state().reserved]).toEqual([[], 1, 1]);
  await registry.close();
});

test.each([
  ['that never ran', 'intended', []],
  ['of which something would not go', 'survived', ['survived']],
] as const)('the row of a start that failed, %s, is kept only in the second case (R13)', async (_, becomes, kept) => {
  await using directory = await temporaryDirectory();
  const { registry, slots, firstRuns, taken } = await stage(directory.path, {
    start: async (row) => {
      if (becomes === 'survived') registry.transition(row.id, { type: 'survived' });
      throw new Error('cannot');
    },
  });
  taken.release();
  expect(await codeOf(firstRuns.spawn('s', REQUEST))).toBe('cannot');
  expect(registry.getAll().map(({ status }) => status)).toEqual(kept);
  // What would not go uses what it has.
  expect(slots.state().reserved).toBe(kept.length);
  for (const { id } of registry.getAll()) registry.unregister(id);
  expect(slots.state().reserved).toBe(0);
  await registry.close();
});

test('whoever does not wait hears at once that there is no slot, also behind one of the same name who does', async () => {
  await using directory = await temporaryDirectory();
  const { registry, firstRuns, taken, slots } = await stage(directory.path);
  const waiter = codeOf(firstRuns.spawn('s', REQUEST, { waitForSlot: new AbortController().signal }));
  expect(await codeOf(firstRuns.spawn('s', REQUEST))).toBe('NO_SLOT');
  const leaver = new AbortController();
  const second = codeOf(firstRuns.spawn('s', REQUEST, { waitForSlot: leaver.signal }));
  await new Promise(setImmediate);
  leaver.abort(new Error('had enough'));
  expect(await second).toBe('had enough');
  taken.release();
  expect(await waiter).toBe('started');
  expect(slots.state()).toMatchObject({ reserved: 1, waiting: 0 });
  await registry.close();
});

test('whoever waited for a slot and finds the name taken gives the slot back (fault 32)', async () => {
  await using directory = await temporaryDirectory();
  const { registry, firstRuns, taken, slots } = await stage(directory.path);
  const signal = new AbortController().signal;
  const both = [1, 2].map(() => codeOf(firstRuns.spawn('s', REQUEST, { waitForSlot: signal })));
  await new Promise(setImmediate);
  const more = slots.state();
  taken.release();
  expect(await both[0]).toBe('started');
  for (const { id } of registry.getAll()) registry.transition(id, { type: 'survived' });
  expect([more.waiting, slots.state().waiting]).toEqual([2, 1]);
  firstRuns.sendAway('s');
  expect(await both[1]).toBe('SESSION_ENDED');
  for (const { id } of registry.getAll()) registry.unregister(id);
  expect(slots.state().reserved).toBe(0);
  await registry.close();
});

test('a session that ends while room is made for a waiter sends the waiter away (field failure 51)', async () => {
  await using directory = await temporaryDirectory();
  let active = true;
  let stopped = (): void => {};
  const { registry, firstRuns, slots, taken } = await stage(directory.path, {
    isActive: () => active,
    stopper: {
      isStopping: () => true,
      stop: () =>
        new Promise((resolve) => {
          stopped = () => resolve({ ok: true, startedAt: '', durationMs: 0, targets: [], survivors: [], escaped: [] });
        }),
    },
  });
  const { id } = registry.prepare({ ...REQUEST, sessionId: 's', envKeys: [] });
  const code = codeOf(firstRuns.spawn('s', REQUEST, { waitForSlot: new AbortController().signal }));
  await new Promise(setImmediate);
  registry.unregister(id);
  active = false;
  firstRuns.sendAway('s');
  stopped();
  expect([await code, slots.state().waiting]).toEqual(['SESSION_ENDED', 0]);
  taken.release();
  await registry.close();
});
