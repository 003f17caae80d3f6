import type { Clock } from '@cm/process-table';

/** Pauses between looks: short after something happened, longer while nothing does, cut short by an event. */
export interface Waker extends Disposable {
  pause(atMostMs: number): Promise<void>;
  /** Something happened: look again soon. */
  reset(): void;
  /** The same, and ends a pause under way. */
  ring(): void;
}

export interface WakerOptions {
  readonly clock: Clock;
  readonly longestMs: number;
  /** Each rings when it aborts. */
  readonly signals: readonly (AbortSignal | undefined)[];
  /** Each rings when it settles. */
  readonly events: readonly (Promise<unknown> | undefined)[];
}

export const createWaker = ({ clock, longestMs, signals, events }: WakerOptions): Waker => {
  let pauseMs = 1;
  let alarm = new AbortController();
  const ring = (): void => {
    pauseMs = 1;
    alarm.abort();
  };
  for (const signal of signals) signal?.addEventListener('abort', ring, { once: true });
  for (const event of events) event?.then(ring, ring);
  return {
    pause: async (atMostMs) => {
      await clock.sleep(Math.min(pauseMs, atMostMs), alarm.signal);
      if (alarm.signal.aborted) alarm = new AbortController();
      else pauseMs = Math.min(pauseMs * 2, longestMs);
    },
    reset: () => {
      pauseMs = 1;
    },
    ring,
    [Symbol.dispose]: () => {
      for (const signal of signals) signal?.removeEventListener('abort', ring);
    },
  };
};
