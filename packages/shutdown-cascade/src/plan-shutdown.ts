import { DEFAULT_GRACE_MS, DEFAULT_KILL_WAIT_MS, DEFAULT_STOP_SIGNAL, type StopTarget } from './target.js';

/** When what happens to one target, in milliseconds since the stop began. */
export interface TargetPlan {
  readonly target: StopTarget;
  readonly stopSignal: NodeJS.Signals;
  /** The stop signal; 0 unless the target is asked softly first. */
  readonly stopAtMs: number;
  /** SIGKILL to whatever member is left. */
  readonly killAtMs: number;
  /** From SIGKILL to giving up. */
  readonly killWaitMs: number;
}

/**
 * Orders the targets, newest first, and sets their times. `deadlineMs` bounds everything: SIGKILL comes early enough that its wait
 * fits in.
 */
export const planShutdown = (
  targets: readonly StopTarget[],
  deadlineMs: number = Number.POSITIVE_INFINITY,
): TargetPlan[] =>
  targets
    .map((target, index) => ({ target, order: target.order ?? index }))
    .sort((a, b) => b.order - a.order)
    .map(({ target }) => {
      const killWaitMs = Math.min(target.killWaitMs ?? DEFAULT_KILL_WAIT_MS, deadlineMs);
      const latestKillMs = deadlineMs - killWaitMs;
      const stopAtMs = Math.min(target.softStop?.waitMs ?? 0, latestKillMs);
      return {
        target,
        stopSignal: target.stopSignal ?? DEFAULT_STOP_SIGNAL,
        stopAtMs,
        killAtMs: Math.min(stopAtMs + (target.graceMs ?? DEFAULT_GRACE_MS), latestKillMs),
        killWaitMs,
      };
    });

/** The same where there are no signals: nothing between the soft stop and the kill, and nothing to wait for without one. */
export const withoutSignals = (plan: TargetPlan): TargetPlan => ({
  ...plan,
  stopAtMs: Number.POSITIVE_INFINITY,
  killAtMs: plan.target.softStop === undefined ? 0 : plan.killAtMs,
});
