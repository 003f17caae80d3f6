import { HealthError } from './errors.js';
import { type Schedule, scheduleUnref } from './schedule.js';

export interface HealthMonitorOptions {
  /** One round of looking after things. It ends early when the signal aborts: `stop` waits for it. */
  readonly sweep: (signal: AbortSignal) => Promise<void> | void;
  /** Milliseconds from the end of one sweep to the beginning of the next. Default 30 000. */
  readonly intervalMs?: number;
  /** Told what a sweep threw. What it throws itself is dropped: there is nobody left to tell. */
  readonly onError: (error: unknown) => void;
  /** The timer. Default: one that does not keep the process alive. */
  readonly schedule?: Schedule;
}

export interface HealthMonitor extends AsyncDisposable {
  /** Begins sweeping, the first time after one interval. Does nothing while it is started. */
  start(): void;
  /**
   * Ends sweeping: no sweep begins after this call, and the one in flight has its signal aborted. Resolves when that one
   * has ended; never rejects. `start` begins again.
   */
  stop(): Promise<void>;
  /**
   * Sweeps now, or joins the sweep in flight, and resolves when it has ended; never rejects, errors go to `onError`. Also
   * before `start`; after `stop` it does nothing.
   */
  runNow(): Promise<void>;
}

const isAbort = (error: unknown, signal: AbortSignal): boolean =>
  error === signal.reason || (error instanceof Error && error.name === 'AbortError');

/**
 * Repeats a sweep. At most one sweep runs at any time, a failed one does not stop the next.
 *
 * Throws `HealthError` with code `invalid-option` when `intervalMs` is not a positive number.
 */
export const createHealthMonitor = ({
  sweep,
  intervalMs = 30_000,
  onError,
  schedule = scheduleUnref,
}: HealthMonitorOptions): HealthMonitor => {
  if (!(intervalMs > 0)) throw new HealthError('invalid-option', `intervalMs must be positive, not ${intervalMs}`);

  let state: 'idle' | 'started' | 'stopped' = 'idle';
  let controller = new AbortController();
  let inFlight: Promise<void> | undefined;
  let cancel: (() => void) | undefined;

  const sweepOnce = async (signal: AbortSignal): Promise<void> => {
    try {
      await sweep(signal);
    } catch (error) {
      // A sweep that ends because we asked it to has not failed.
      if (signal.aborted && isAbort(error, signal)) return;
      try {
        onError(error);
      } catch {}
    }
  };

  const run = (): Promise<void> => {
    inFlight ??= sweepOnce(controller.signal).finally(() => {
      inFlight = undefined;
    });
    return inFlight;
  };

  const arm = (): void => {
    const { signal } = controller;
    cancel = schedule(async () => {
      await run();
      if (!signal.aborted) arm();
    }, intervalMs);
  };

  const start = (): void => {
    if (state === 'started') return;
    if (state === 'stopped') controller = new AbortController();
    state = 'started';
    arm();
  };

  const stop = async (): Promise<void> => {
    state = 'stopped';
    cancel?.();
    controller.abort();
    await inFlight;
  };

  const runNow = async (): Promise<void> => {
    if (state !== 'stopped') await run();
  };

  return { start, stop, runNow, [Symbol.asyncDispose]: stop };
};
