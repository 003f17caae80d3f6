import type { TargetPlan } from './plan-shutdown.js';

/** How far the stop of one target has gone. */
export type Stage = 'asked' | 'signalled' | 'killed' | 'given-up';

/** Which stage a target should be in at a moment. Never goes back. Pure. */
export const escalate = (
  stage: Stage,
  plan: Pick<TargetPlan, 'stopAtMs' | 'killAtMs' | 'killWaitMs'>,
  /** Milliseconds since the stop began. */
  nowMs: number,
  /** When SIGKILL was sent, once it was. */
  killedAtMs: number | undefined,
  forced: boolean,
): Stage => {
  switch (stage) {
    case 'asked':
      if (forced) return 'killed';
      // However late the first look came: where a grace was promised, the stop signal comes before SIGKILL.
      if (nowMs >= plan.stopAtMs && plan.killAtMs > plan.stopAtMs) return 'signalled';
      return nowMs >= plan.killAtMs ? 'killed' : 'asked';
    case 'signalled':
      return forced || nowMs >= plan.killAtMs ? 'killed' : 'signalled';
    case 'killed':
      return killedAtMs !== undefined && nowMs >= killedAtMs + plan.killWaitMs ? 'given-up' : 'killed';
    case 'given-up':
      return 'given-up';
  }
};

/** When a stage ends if nothing happens before: no look may come later than that. Pure. */
export const stageEndsAtMs = (
  stage: Stage,
  plan: Pick<TargetPlan, 'stopAtMs' | 'killAtMs' | 'killWaitMs'>,
  killedAtMs: number | undefined,
): number => {
  switch (stage) {
    case 'asked':
      return Math.min(plan.stopAtMs, plan.killAtMs);
    case 'signalled':
      return plan.killAtMs;
    case 'killed':
      return (killedAtMs ?? Number.POSITIVE_INFINITY) + plan.killWaitMs;
    case 'given-up':
      return Number.POSITIVE_INFINITY;
  }
};
