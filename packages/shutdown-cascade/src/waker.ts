import type { Clock } from '@cm/process-table';

/** Pauses between looks: short after something happened, longer while nothing does, cut short by an event. */
export interface Waker extends Disposable {
  pause(atMostMs: number): Promise<void>;
  /** Something happened: look again soon. */
  reset(): void;
}

export interface WakerOptions {
  readonly clock: Clock;
  readonly longestMs: number;
  readonly force: AbortSignal | undefined;
  readonly exits: readonly (Promise<unknown> | undefined)[];
}

export const createWaker = ({ clock, longestMs, force, exits }: WakerOptions): Waker => {
  let pauseMs = 1;
  let alarm = new AbortController();
  const ring = (): void => {
    pauseMs = 1;
    alarm.abort();
  };
  force?.addEventListener('abort', ring, { once: true });
  for (const exit of exits) exit?.then(ring, ring);
  return {
    pause: async (atMostMs) => {
      await clock.sleep(Math.min(pauseMs, atMostMs), alarm.signal);
      if (alarm.signal.aborted) alarm = new AbortController();
      else pauseMs = Math.min(pauseMs * 2, longestMs);
    },
    reset: () => {
      pauseMs = 1;
    },
    [Symbol.dispose]: () => force?.removeEventListener('abort', ring),
  };
};
