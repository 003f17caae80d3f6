import type { Clock } from '@cm/process-table';

/** A process that failed although nobody had asked it to end. Never what it wrote: that may hold secrets. */
export interface Crash {
  readonly rowId: string;
  readonly name: string;
  readonly sessionId: string;
  /** Such as `exit code 3`, `SIGSEGV`. */
  readonly how: string;
  /** ISO 8601. */
  readonly at: string;
  /** How long ago that was when asked. */
  readonly agoMs: number;
}

/** The latest failures, so that a worker that seems well can say who is not (field failure 55). Bounded. */
export interface Crashes {
  note(crash: Omit<Crash, 'at' | 'agoMs'>): void;
  /** Oldest first. */
  list(): Crash[];
}

export const MOST_CRASHES = 20;

export const createCrashes = (clock: Pick<Clock, 'monotonicMs' | 'wallMs'>): Crashes => {
  let kept: (Omit<Crash, 'agoMs'> & { readonly atMs: number })[] = [];
  return {
    note: (crash) => {
      const at = new Date(clock.wallMs()).toISOString();
      kept = [...kept, { ...crash, at, atMs: clock.monotonicMs() }].slice(-MOST_CRASHES);
    },
    list: () => kept.map(({ atMs, ...crash }) => ({ ...crash, agoMs: clock.monotonicMs() - atMs })),
  };
};
