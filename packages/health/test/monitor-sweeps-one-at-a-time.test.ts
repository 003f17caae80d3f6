import { expect, it } from 'vitest';
import { createHealthMonitor, isHealthError, type Schedule } from '../src/index.js';

interface Timers {
  readonly schedule: Schedule;
  readonly delays: number[];
  /** Fires every timer that is set. */
  fire(): void;
  set(): number;
}

const manualTimers = (): Timers => {
  const waiting = new Set<() => void>();
  const delays: number[] = [];
  return {
    delays,
    schedule: (run, delayMs) => {
      delays.push(delayMs);
      waiting.add(run);
      return () => void waiting.delete(run);
    },
    fire: () => {
      const due = [...waiting];
      waiting.clear();
      for (const run of due) run();
    },
    set: () => waiting.size,
  };
};

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const rethrow = (error: unknown): never => {
  throw error;
};

interface Sweeps {
  readonly sweep: (signal: AbortSignal) => Promise<void>;
  readonly signals: AbortSignal[];
  /** Ends the sweep in flight. */
  end(error?: Error): void;
}

const manualSweeps = (): Sweeps => {
  const signals: AbortSignal[] = [];
  let end: (error?: Error) => void = () => {};
  return {
    signals,
    sweep: (signal) => {
      signals.push(signal);
      return new Promise((resolve, reject) => {
        end = (error) => (error === undefined ? resolve() : reject(error));
      });
    },
    end: (error) => end(error),
  };
};

it('S10: sweeps every 30 s, first after one interval', async () => {
  const timers = manualTimers();
  let sweeps = 0;
  const monitor = createHealthMonitor({ sweep: () => void sweeps++, onError: rethrow, schedule: timers.schedule });
  expect(timers.set()).toBe(0);
  monitor.start();
  expect([sweeps, timers.delays]).toEqual([0, [30_000]]);
  for (const expected of [1, 2, 3]) {
    timers.fire();
    await settle();
    expect(sweeps).toBe(expected);
    expect(timers.set()).toBe(1);
  }
  expect(timers.delays).toEqual([30_000, 30_000, 30_000, 30_000]);
  await monitor.stop();
});

it('does not start a sweep that is still running, neither by timer nor by runNow', async () => {
  const timers = manualTimers();
  const sweeps = manualSweeps();
  await using monitor = createHealthMonitor({ sweep: sweeps.sweep, onError: rethrow, schedule: timers.schedule });
  monitor.start();
  const first = monitor.runNow();
  const second = monitor.runNow();
  timers.fire();
  await settle();
  expect(sweeps.signals).toHaveLength(1);
  expect(timers.set()).toBe(0);
  sweeps.end();
  await Promise.all([first, second]);
  await settle();
  expect(timers.set()).toBe(1);
  const third = monitor.runNow();
  expect(sweeps.signals).toHaveLength(2);
  sweeps.end();
  await third;
});

it('tells onError what a sweep threw, at once or later, and goes on', async () => {
  const timers = manualTimers();
  const errors: unknown[] = [];
  const failures = [
    () => {
      throw new Error('at once');
    },
    () => Promise.reject(new Error('later')),
    () => {},
  ];
  let sweeps = 0;
  await using monitor = createHealthMonitor({
    sweep: () => failures[sweeps++]?.(),
    onError: (error) => errors.push(error),
    schedule: timers.schedule,
  });
  monitor.start();
  for (let round = 0; round < 3; round++) {
    timers.fire();
    await settle();
  }
  expect(sweeps).toBe(3);
  expect(timers.set()).toBe(1);
  expect(errors).toEqual([new Error('at once'), new Error('later')]);
});

it('goes on when onError itself throws', async () => {
  const timers = manualTimers();
  let sweeps = 0;
  await using monitor = createHealthMonitor({
    sweep: () => {
      sweeps++;
      throw new Error('sweep');
    },
    onError: rethrow,
    schedule: timers.schedule,
  });
  monitor.start();
  await expect(monitor.runNow()).resolves.toBeUndefined();
  timers.fire();
  await settle();
  timers.fire();
  await settle();
  expect(sweeps).toBe(3);
});

it('start twice sets one timer; stop twice, and without a start, is harmless', async () => {
  const timers = manualTimers();
  const monitor = createHealthMonitor({ sweep: () => {}, onError: rethrow, schedule: timers.schedule });
  await monitor.stop();
  monitor.start();
  monitor.start();
  expect(timers.set()).toBe(1);
  await Promise.all([monitor.stop(), monitor.stop()]);
  await monitor.stop();
  expect(timers.set()).toBe(0);
});

it('stop aborts the sweep in flight, waits for it, and no timer comes after', async () => {
  const timers = manualTimers();
  const sweeps = manualSweeps();
  const monitor = createHealthMonitor({ sweep: sweeps.sweep, onError: rethrow, schedule: timers.schedule });
  monitor.start();
  timers.fire();
  await settle();
  expect(sweeps.signals[0]?.aborted).toBe(false);
  let stopped = false;
  const stop = monitor.stop().then(() => {
    stopped = true;
  });
  expect(sweeps.signals[0]?.aborted).toBe(true);
  await settle();
  expect(stopped).toBe(false);
  sweeps.end();
  await stop;
  await settle();
  expect(timers.set()).toBe(0);
});

it('a sweep that ends because stop asked it to is no error; another failure still is', async () => {
  const errors: unknown[] = [];
  for (const make of [
    (signal: AbortSignal): unknown => signal.reason,
    (): unknown => new DOMException('stopped', 'AbortError'),
    (): unknown => new Error('disk'),
  ]) {
    const monitor = createHealthMonitor({
      sweep: (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(make(signal)))),
      onError: (error) => errors.push(error),
    });
    const sweep = monitor.runNow();
    await monitor.stop();
    await sweep;
  }
  expect(errors).toEqual([new Error('disk')]);
});

it('runNow sweeps before start, does nothing after stop, and sweeps again after another start', async () => {
  const timers = manualTimers();
  const aborted: boolean[] = [];
  const monitor = createHealthMonitor({
    sweep: (signal) => void aborted.push(signal.aborted),
    onError: rethrow,
    schedule: timers.schedule,
  });
  await monitor.runNow();
  expect(aborted).toEqual([false]);
  await monitor.stop();
  await monitor.runNow();
  expect(aborted).toEqual([false]);
  monitor.start();
  await monitor.runNow();
  timers.fire();
  await settle();
  expect(aborted).toEqual([false, false, false]);
  await monitor.stop();
});

it('stop and start while a sweep is in flight leave one timer', async () => {
  const timers = manualTimers();
  const sweeps = manualSweeps();
  await using monitor = createHealthMonitor({ sweep: sweeps.sweep, onError: rethrow, schedule: timers.schedule });
  monitor.start();
  timers.fire();
  const stop = monitor.stop();
  monitor.start();
  sweeps.end();
  await stop;
  await settle();
  expect(timers.set()).toBe(1);
});

it('leaving scope stops it', async () => {
  const timers = manualTimers();
  {
    await using monitor = createHealthMonitor({ sweep: () => {}, onError: rethrow, schedule: timers.schedule });
    monitor.start();
    expect(timers.set()).toBe(1);
  }
  expect(timers.set()).toBe(0);
});

it.each([0, -1, Number.NaN])('refuses an interval of %d ms', (intervalMs) => {
  let thrown: unknown;
  try {
    createHealthMonitor({ sweep: () => {}, onError: rethrow, intervalMs });
  } catch (error) {
    thrown = error;
  }
  expect(isHealthError(thrown)).toBe(true);
  expect(thrown).toHaveProperty('code', 'invalid-option');
});

it('with the timer of its own: repeats, and an interval beyond what a timer holds does not fire at once', async () => {
  let sweeps = 0;
  const twice = new Promise<void>((resolve) => {
    const monitor = createHealthMonitor({
      sweep: () => {
        if (++sweeps === 2) void monitor.stop().then(resolve);
      },
      intervalMs: 1,
      onError: rethrow,
    });
    monitor.start();
  });
  let rare = 0;
  await using monitor = createHealthMonitor({ sweep: () => void rare++, intervalMs: Infinity, onError: rethrow });
  monitor.start();
  await twice;
  expect([sweeps, rare]).toEqual([2, 0]);
});
