import type { Clock } from '@cm/process-table';

/** Pauses between looks: short after something happened, longer while nothing does, cut short by an event. */
export interface Waker extends Disposable {
  /** From 1 ms, doubling with each pause in which nothing happened, to `longestMs`; never more than `atMostMs`. */
  pause(atMostMs: number, longestMs: number): Promise<void>;
  /** Something happened: look again soon. */
  reset(): void;
  /** The same, and ends a pause under way. */
  ring(): void;
}

export interface WakerOptions {
  readonly clock: Clock;
  /** Each rings when it aborts. */
  readonly signals: readonly (AbortSignal | undefined)[];
  /** Each rings when it settles. */
  readonly events: readonly (Promise<unknown> | undefined)[];
}

export const createWaker = ({ clock, signals, events }: WakerOptions): Waker => {
  let pauseMs = 1;
  let alarm: AbortController | undefined;
  let rung = false;
  const ring = (): void => {
    pauseMs = 1;
    rung = true;
    alarm?.abort();
  };
  for (const signal of signals) signal?.addEventListener('abort', ring, { once: true });
  for (const event of events) event?.then(ring, ring);
  return {
    pause: async (atMostMs, longestMs) => {
      pauseMs = Math.min(pauseMs, longestMs);
      // Made for the first pause only: until then the signals that a stop begins with are on their way.
      alarm ??= new AbortController();
      if (rung) alarm.abort();
      await clock.sleep(Math.min(pauseMs, atMostMs), alarm.signal);
      if (rung) [alarm, rung] = [undefined, false];
      else pauseMs *= 2;
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
