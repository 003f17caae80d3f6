import type { ProcessExit, ProcessRecord, RestartHistory } from '@cm/process-registry';
import { createFakeClock, type FakeClock } from '@cm/process-table/testing';
import { describe, expect, test } from 'vitest';
import { createCrashes } from '../../src/supervisor/crashes.js';
import { WorkerError } from '../../src/supervisor/errors.js';
import { createHeldSlots } from '../../src/supervisor/held-slots.js';
import { createInFlight } from '../../src/supervisor/in-flight.js';
import { createLatch } from '../../src/supervisor/latch.js';
import { createRestarter, type RestarterOptions } from '../../src/supervisor/restarter.js';
import { createSlots } from '../../src/supervisor/slots.js';
import { requestOf, SPAWN_DEFAULTS, type SpawnRequest } from '../../src/supervisor/spawn-request.js';
import { rowOf } from './row-of.js';

const LIMITS = { backoffMs: 100, backoffMaxMs: 30_000, intensity: 3, periodMs: 60_000 } as const;
const CRASH: ProcessExit = { code: 1, signal: null, reason: 'crashed' };
const REQUEST: SpawnRequest = {
  ...SPAWN_DEFAULTS,
  name: 'server',
  command: 'x',
  env: { KEY: 'secret' },
  restart: 'permanent',
};

const crashed = (changes: Partial<ProcessRecord> = {}): ProcessRecord =>
  rowOf({ envKeys: ['KEY'], exit: CRASH, ...changes });

interface Start {
  readonly row: ProcessRecord;
  readonly request: SpawnRequest;
  readonly restarts: RestartHistory;
  readonly atMs: number;
}

const turns = async (): Promise<void> => {
  for (let count = 0; count < 3; count += 1) await new Promise(setImmediate);
};

/** A restarter on a clock that stands still, among fakes that do as they are told. */
const stage = (changes: Partial<RestarterOptions> = {}, clock: FakeClock = createFakeClock()) => {
  const rows = new Map([['p1', crashed()]]);
  const starts: Start[] = [];
  const story: string[] = [];
  const logged: { level: string; message: string; details: Readonly<Record<string, unknown>> }[] = [];
  const write =
    (level: string) =>
    (details: Readonly<Record<string, unknown>>, message: string): void =>
      void logged.push({ level, message, details });
  const slots = createSlots(1);
  const held = createHeldSlots();
  const busy = createInFlight();
  const latch = createLatch();
  const crashes = createCrashes(clock);
  let timers = 0;
  const restarter = createRestarter({
    registry: {
      get: (id) => rows.get(id),
      transition: (id) => {
        const row = rows.get(id);
        if (row === undefined) return undefined;
        story.push(`${id} is exited again`);
        rows.set(id, { ...row, status: 'exited', exit: { code: null, signal: null, reason: 'crashed' } });
        return rows.get(id);
      },
    },
    clock,
    latch,
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    limits: LIMITS,
    slots,
    held,
    crashes,
    busy,
    isActive: () => true,
    clear: async () => true,
    start: async (row, request, restarts) => {
      starts.push({ row, request, restarts, atMs: clock.monotonicMs() });
    },
    forget: (id) => {
      story.push(`${id} is forgotten`);
      rows.delete(id);
      held.release(id);
      restarter.forget(id);
    },
    schedule: (run, delayMs) => {
      let live = true;
      timers += 1;
      const end = (): void => {
        if (live) timers -= 1;
        live = false;
      };
      clock.after(Math.max(0, delayMs), () => {
        if (!live) return;
        end();
        run();
      });
      return end;
    },
    ...changes,
  });
  const slot = slots.tryReserve();
  if (slot !== undefined) held.put('p1', slot);
  restarter.started('p1', REQUEST);
  const row = (): ProcessRecord => rows.get('p1') ?? crashed({ id: 'gone' });
  return {
    restarter,
    clock,
    rows,
    row,
    starts,
    story,
    logged,
    slots,
    held,
    busy,
    latch,
    crashes,
    timers: () => timers,
  };
};

const advance = async (clock: FakeClock, ms: number): Promise<void> => {
  await turns();
  clock.advance(ms);
  await turns();
};

test('a row holds its name from the tick in which its end is recorded until it runs again', async () => {
  const { restarter, clock, row, starts } = stage();
  expect(restarter.pending('p1')).toBeUndefined();
  expect(restarter.ended(row())).toBe(true);
  expect(restarter.pending('p1')).toMatchObject({ at: '2026-01-01T00:00:00.100Z', storm: false });
  await advance(clock, 99);
  expect(starts).toEqual([]);
  await advance(clock, 1);
  expect(starts).toHaveLength(1);
  expect(restarter.pending('p1')).toBeUndefined();
  // The values of variables come from memory: they are nowhere else.
  expect(starts[0]).toMatchObject({
    request: REQUEST,
    atMs: 100,
    restarts: { count: 1, at: [Date.UTC(2026, 0, 1) + 100], storms: 0 },
  });
});

test('one that ends with the restart still under way waits for the next one, with all that is known', async () => {
  const { restarter, clock, row, starts } = stage({
    start: async () => {
      starts.push({ row: row(), request: REQUEST, restarts: { count: 0, at: [], storms: 0 }, atMs: 0 });
      restarter.ended(row());
    },
  });
  restarter.ended(row());
  await advance(clock, 100);
  expect(restarter.pending('p1')).toMatchObject({ at: '2026-01-01T00:00:00.300Z' });
  await advance(clock, 199);
  expect(starts).toHaveLength(1);
  await advance(clock, 1);
  expect(starts).toHaveLength(2);
});

describe('what is left of the predecessor', () => {
  test('is gone before the successor starts, however long that takes (field failures 39, 40, 41)', async () => {
    let clear = (_gone: boolean): void => {};
    const { restarter, clock, row, starts, slots, busy } = stage({
      clear: () =>
        new Promise((resolve) => {
          clear = resolve;
        }),
    });
    restarter.ended(row());
    // Whoever stops the row now has to wait, or to cut this short.
    expect(busy.has('p1')).toBe(true);
    await advance(clock, 5_000);
    expect(starts).toEqual([]);
    // Its members use memory: they hold the slot.
    expect(slots.state().reserved).toBe(1);
    clear(true);
    await advance(clock, 0);
    expect(starts).toHaveLength(1);
  });

  test('that cannot be stopped keeps the successor from starting, and is tried again (field failures 39, 40)', async () => {
    let attempts = 0;
    const { restarter, clock, row, starts, slots, crashes } = stage({
      clear: async () => {
        attempts += 1;
        return attempts > 2;
      },
    });
    restarter.ended(row());
    // At once, and then as late as any other failed run: never again and again without a pause.
    await turns();
    expect([attempts, slots.state().reserved, starts.length]).toEqual([1, 1, 0]);
    await advance(clock, 199);
    expect(attempts).toBe(1);
    await advance(clock, 1);
    expect([attempts, slots.state().reserved, starts.length]).toEqual([2, 1, 0]);
    expect(crashes.list().map(({ how }) => how)).toEqual(Array(2).fill('what is left of it could not be stopped'));
    await advance(clock, 399);
    expect([attempts, starts.length]).toEqual([2, 0]);
    await advance(clock, 1);
    await advance(clock, 0);
    expect([attempts, starts.length]).toEqual([3, 1]);
  });
});

test('where processes cannot be listed just now nothing starts, and it is tried again', async () => {
  let attempts = 0;
  const { restarter, clock, row, starts } = stage({
    clear: async () => {
      attempts += 1;
      if (attempts === 1) throw new Error('EMFILE');
      return true;
    },
  });
  restarter.ended(row());
  await turns();
  expect([attempts, starts.length]).toEqual([1, 0]);
  await advance(clock, 200);
  await advance(clock, 0);
  expect([attempts, starts.length]).toEqual([2, 1]);
});

describe('the slot (field failure 50)', () => {
  test('is given up with the end, and waited for in turn: a crash overtakes nobody', async () => {
    const { restarter, clock, row, starts, slots } = stage();
    const other = slots.reserve(new AbortController().signal);
    restarter.ended(row());
    const theirs = await other;
    await advance(clock, 1_000);
    expect([starts.length, slots.state().waiting]).toEqual([0, 1]);
    expect(restarter.pending('p1')).toBeDefined();
    theirs.release();
    await turns();
    expect(starts).toHaveLength(1);
    expect(slots.state()).toEqual({ limit: 1, reserved: 1, waiting: 0 });
  });

  test('of a restart that fails is given back (faults 31, 32)', async () => {
    const { restarter, clock, row, slots } = stage({
      start: async () => {
        throw new WorkerError('CANNOT_SPAWN', 'cannot start x: ENOENT');
      },
    });
    restarter.ended(row());
    await advance(clock, 100);
    expect(slots.state()).toEqual({ limit: 1, reserved: 0, waiting: 0 });
    expect(restarter.pending('p1')).toBeDefined();
  });

  test('that arrives with the stop is given back (fault 32)', async () => {
    const { restarter, clock, row, starts, slots } = stage();
    const other = slots.reserve(new AbortController().signal);
    restarter.ended(row());
    await advance(clock, 100);
    (await other).release();
    restarter.giveUp('p1');
    await turns();
    expect([starts.length, slots.state().reserved]).toEqual([0, 0]);
  });
});

describe('a restart that fails', () => {
  test('is a failed run: it is tried again later and later, and said without what a message may quote (fault 31, field failure 55)', async () => {
    const attempts: number[] = [];
    const { restarter, clock, row, story, crashes } = stage({
      start: async () => {
        attempts.push(clock.monotonicMs());
        if (attempts.length === 1) throw new WorkerError('CANNOT_SPAWN', 'cannot start x: ENOENT');
        if (attempts.length === 2) throw new Error('secret');
      },
    });
    restarter.ended(row());
    await advance(clock, 100);
    await advance(clock, 200);
    await advance(clock, 400);
    expect(attempts).toEqual([100, 300, 700]);
    expect(story).toEqual(['p1 is exited again', 'p1 is exited again']);
    expect(crashes.list()).toMatchObject([
      { rowId: 'p1', name: 'server', sessionId: 's', how: 'cannot start x: ENOENT' },
      { how: 'no start on record' },
    ]);
    expect(restarter.pending('p1')).toBeUndefined();
  });

  test('while a stop waits for it leaves no row behind (fault 27)', async () => {
    let fail = (_error: Error): void => {};
    const { restarter, clock, row, rows, slots, busy } = stage({
      start: () =>
        new Promise((_, reject) => {
          fail = reject;
        }),
    });
    restarter.ended(row());
    await advance(clock, 100);
    expect(busy.has('p1')).toBe(true);
    restarter.giveUp('p1');
    fail(new Error('no'));
    await turns();
    expect([rows.size, busy.has('p1'), slots.state().reserved]).toEqual([0, false, 0]);
  });

  test('for good ends in a storm too (fault 30)', async () => {
    const { restarter, clock, row, logged } = stage({
      start: async () => {
        throw new WorkerError('CANNOT_SPAWN', 'cannot start x: ENOENT');
      },
    });
    restarter.ended(row());
    for (const ms of [100, 200, 400]) await advance(clock, ms);
    expect(restarter.pending('p1')).toMatchObject({ storm: true });
    expect(logged.at(-1)?.level).toBe('warn');
  });
});

test('a storm ends, says so, and recovers after the period with a fresh budget (fault 30, field failures 12, 15, 27)', async () => {
  const { restarter, clock, row, starts, logged } = stage();
  for (const ms of [100, 200, 400]) {
    restarter.ended(row());
    await advance(clock, ms);
  }
  expect(starts).toHaveLength(3);
  restarter.ended(row());
  expect(restarter.pending('p1')).toMatchObject({ storm: true, at: '2026-01-01T00:01:00.700Z' });
  expect(logged.at(-1)).toMatchObject({
    level: 'warn',
    message: 'a process was restarted too often: it pauses',
    details: { row: 'p1', name: 'server', session: 's', restarts: 3, againAt: '2026-01-01T00:01:00.700Z' },
  });
  await advance(clock, 59_999);
  expect(starts).toHaveLength(3);
  await advance(clock, 1);
  expect(starts[3]?.restarts).toEqual({ count: 4, at: [Date.UTC(2026, 0, 1) + 60_700], storms: 1 });
  restarter.ended(row());
  expect(restarter.pending('p1')).toMatchObject({ storm: false });
  await advance(clock, 200);
  // It stays up.
  await advance(clock, 60_001);
  restarter.ended(row());
  await advance(clock, 100);
  expect(starts.at(-1)?.restarts).toMatchObject({ count: 6, storms: 0 });
});

describe('a stop (fault 27, R12)', () => {
  test('cancels a restart that waits: its timer goes, and nothing starts', async () => {
    const { restarter, clock, row, starts, timers } = stage();
    restarter.ended(row());
    await turns();
    expect(timers()).toBe(1);
    restarter.giveUp('p1');
    await turns();
    expect([timers(), restarter.pending('p1')]).toEqual([0, undefined]);
    await advance(clock, 1_000);
    expect(starts).toEqual([]);
  });

  test('of what waits for a slot leaves no waiter behind', async () => {
    const { restarter, clock, row, slots } = stage();
    void slots.reserve(new AbortController().signal);
    restarter.ended(row());
    await advance(clock, 1_000);
    expect(slots.state().waiting).toBe(1);
    restarter.giveUp('p1');
    await turns();
    expect(slots.state().waiting).toBe(0);
  });

  test('cuts short what clears up after the predecessor, and nothing starts after it', async () => {
    let seen: AbortSignal | undefined;
    const { restarter, clock, row, starts, story, crashes } = stage({
      clear: (_row, signal) =>
        new Promise((resolve) => {
          seen = signal;
          signal.addEventListener('abort', () => resolve(false));
        }),
    });
    restarter.ended(row());
    restarter.giveUp('p1');
    expect(seen?.aborted).toBe(true);
    await advance(clock, 1_000);
    expect([starts, story, crashes.list()]).toEqual([[], [], []]);
  });

  test('that was asked for before the end is never a crash, whatever is recorded (field failure 26)', () => {
    const { restarter, row } = stage();
    restarter.giveUp('p1');
    expect(restarter.ended(row())).toBe(false);
    expect(restarter.ended({ ...row(), exit: { ...CRASH, reason: 'asked' } })).toBe(false);
  });

  test('of a row that is gone leaves nothing in memory: the next row may have its restarts', () => {
    const { restarter, rows } = stage();
    restarter.forget('p1');
    rows.clear();
    restarter.giveUp('p1');
    rows.set('p1', crashed());
    restarter.started('p1', REQUEST);
    expect(restarter.ended(crashed())).toBe(true);
  });

  test('of the worker cancels all of them, for good', async () => {
    const { restarter, clock, row, starts, timers } = stage();
    restarter.started('p2', REQUEST);
    restarter.ended(row());
    await turns();
    restarter.close();
    await turns();
    expect(timers()).toBe(0);
    await advance(clock, 1_000);
    expect([starts, timers(), restarter.pending('p1')]).toEqual([[], 0, undefined]);
    expect(restarter.ended(crashed({ id: 'p2' }))).toBe(false);
  });
});

describe('before anything is started it is asked again', () => {
  test('whether the latch is open', async () => {
    const { restarter, clock, row, starts, latch, slots, story } = stage();
    restarter.started('p2', REQUEST);
    restarter.ended(row());
    await turns();
    latch.set();
    await advance(clock, 100);
    expect([starts, story, slots.state().reserved]).toEqual([[], ['p1 is forgotten'], 0]);
    expect(restarter.ended(crashed({ id: 'p2' }))).toBe(false);
  });

  test('whether the session is active', async () => {
    let active = true;
    const { restarter, clock, row, starts, slots, story } = stage({ isActive: () => active });
    restarter.ended(row());
    await turns();
    active = false;
    await advance(clock, 100);
    expect([starts, story, slots.state().reserved]).toEqual([[], ['p1 is forgotten'], 0]);
    expect(restarter.pending('p1')).toBeUndefined();
    expect(restarter.ended(crashed())).toBe(false);
  });
});

describe('the process of an earlier worker', () => {
  const kept = { id: 'p9', envKeys: [], onWorkerDeath: 'keep', args: ['a'] } as const;

  test('is started as it is on record, and its restarts count', async () => {
    const { restarter, clock, starts } = stage({ slots: createSlots(0) });
    clock.advance(120_000);
    const at = [Date.UTC(2026, 0, 1) + 119_000];
    const row = crashed({ ...kept, restarts: { count: 7, at, storms: 2 }, startedAt: '2026-01-01T00:01:59.000Z' });
    expect(restarter.ended(row)).toBe(true);
    await advance(clock, 200);
    expect(starts).toEqual([
      {
        row,
        request: requestOf(row),
        restarts: { count: 8, at: [...at, Date.UTC(2026, 0, 1) + 120_200], storms: 2 },
        atMs: 120_200,
      },
    ]);
    expect(starts[0]?.request).toMatchObject({ command: 'x', args: ['a'], env: {}, onWorkerDeath: 'keep', cwd: '/' });
  });

  test('that had stayed up for longer than the period is forgiven its storms', async () => {
    const { restarter, clock, starts } = stage({ slots: createSlots(0) });
    clock.advance(120_000);
    restarter.ended(
      crashed({ ...kept, restarts: { count: 7, at: [], storms: 2 }, startedAt: '2026-01-01T00:00:59.000Z' }),
    );
    await advance(clock, 100);
    expect(starts[0]?.restarts).toMatchObject({ count: 8, storms: 0 });
  });

  test('with variables of its own is not: the log names them, not their values', () => {
    const { restarter, logged } = stage();
    expect(restarter.ended(crashed({ ...kept, envKeys: ['A', 'B'] }))).toBe(false);
    expect(logged).toMatchObject([{ level: 'warn', details: { row: 'p9', keys: ['A', 'B'] } }]);
  });
});

test('where something of a start that failed would not go, nothing is started beside it (field failures 39, 40)', async () => {
  let starts = 0;
  const { restarter, clock, rows, row, story } = stage({
    start: async () => {
      starts += 1;
      rows.set('p1', crashed({ status: 'survived' }));
      throw new Error('neither on record nor gone');
    },
  });
  restarter.ended(row());
  await advance(clock, 100);
  expect(starts).toBe(1);
  await advance(clock, 120_000);
  expect([starts, story, row().status, restarter.pending('p1')]).toEqual([1, [], 'survived', undefined]);
});

test('who is asked twice about one end starts it once', async () => {
  const { restarter, clock, row, starts, timers } = stage();
  restarter.ended(row());
  restarter.ended(row());
  await advance(clock, 60_000);
  expect([starts.length, timers()]).toEqual([1, 0]);
});

test('one that has no slot when its time has come says so', async () => {
  const { restarter, clock, row, slots } = stage();
  restarter.ended(row());
  await advance(clock, 50);
  expect(restarter.pending('p1')).toMatchObject({ waitsForSlot: false });
  const other = slots.tryReserve();
  await advance(clock, 50);
  expect(restarter.pending('p1')).toMatchObject({ waitsForSlot: true });
  other?.release();
  await turns();
  expect(restarter.pending('p1')).toBeUndefined();
});

test('a row that runs after all is not called ended by a start that failed', async () => {
  const { restarter, clock, rows, row, story } = stage({
    start: async () => {
      rows.set('p1', crashed({ status: 'running' }));
      throw new Error('somebody was faster');
    },
  });
  restarter.ended(row());
  await advance(clock, 100);
  expect([story, row().status, restarter.pending('p1')]).toEqual([[], 'running', undefined]);
});
