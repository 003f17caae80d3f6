import type { ProcessExit, ProcessSpec } from '@cm/process-registry';
import { isCleanEnd } from './clean-end.js';

export interface RestartLimits {
  /** Before the first restart; doubled for each one within the period. */
  readonly backoffMs: number;
  /** Less than `backoffMs` is as much as that. */
  readonly backoffMaxMs: number;
  /** How many restarts there may be within the period, at least 1. More are a storm. */
  readonly intensity: number;
  readonly periodMs: number;
}

/** The restarts of one process, for the decision about the next one. */
export interface Restarts {
  /** All of them. */
  readonly count: number;
  /** When those within the last period were, on the monotonic clock, oldest first. */
  readonly at: readonly number[];
  /** How many times in a row there were too many. */
  readonly storms: number;
}

export const NO_RESTARTS: Restarts = { count: 0, at: [], storms: 0 };

export type RestartDecision =
  | { readonly type: 'restart'; readonly delayMs: number; readonly restarts: Restarts }
  /** A storm: it ends here. It is started once more after the pause, with a fresh budget. */
  | { readonly type: 'pause'; readonly delayMs: number; readonly restarts: Restarts }
  | { readonly type: 'leave'; readonly why: 'asked' | 'temporary' | 'clean' };

export interface Ending {
  readonly policy: ProcessSpec['restart'];
  readonly exit: ProcessExit;
  readonly restarts: Restarts;
  /** Monotonic. */
  readonly nowMs: number;
  /** How long it ran; 0 where it could not even be started. */
  readonly ranMs: number;
  readonly limits: RestartLimits;
}

/** However many storms in a row: it is tried again once an hour. */
const LONGEST_PAUSE_MS = 60 * 60 * 1000;

/**
 * Whether, and when, a process that has ended is started again. Whatever the ends, as long as each start is noted with
 * {@link noteRestart} and comes no earlier than decided here, no period holds more than `intensity` of them. The window is what counts:
 * progress in between resets nothing (field failures 12, 15, 27). Total and pure.
 */
export const decideRestart = ({ policy, exit, restarts, nowMs, ranMs, limits }: Ending): RestartDecision => {
  const { backoffMs, backoffMaxMs, intensity, periodMs } = limits;
  if (exit.reason === 'asked') return { type: 'leave', why: 'asked' };
  if (policy === 'temporary') return { type: 'leave', why: 'temporary' };
  if (policy === 'transient' && isCleanEnd(exit)) return { type: 'leave', why: 'clean' };
  const storms = ranMs > periodMs ? 0 : restarts.storms;
  const recent = restarts.at.filter((atMs) => atMs > nowMs - periodMs);
  const delayMs = Math.max(backoffMs, Math.min(backoffMs * 2 ** recent.length, backoffMaxMs));
  // Counted at the moment of the start: some will have left the window by then.
  const beside = recent.filter((atMs) => atMs > nowMs + delayMs - periodMs).length;
  if (beside < intensity) return { type: 'restart', delayMs, restarts: { ...restarts, at: recent, storms } };
  return {
    type: 'pause',
    // Never shorter than the period, or the fresh budget would share it with the spent one.
    delayMs: Math.max(periodMs, Math.min(periodMs * 2 ** storms, LONGEST_PAUSE_MS)),
    restarts: { ...restarts, at: [], storms: storms + 1 },
  };
};

/** After a start, or an attempt at one. Pure. */
export const noteRestart = ({ count, at, storms }: Restarts, nowMs: number): Restarts => ({
  count: count + 1,
  at: [...at, nowMs],
  storms,
});
