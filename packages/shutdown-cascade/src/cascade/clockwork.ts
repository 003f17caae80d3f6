import { escalate, type Stage, stageEndsAtMs } from '../escalate.js';
import { type Context, type Running, stillOpen } from './running.js';

/** The stage a target should be in now. */
export const dueStage = (context: Context, { stage, plan, killedAtMs }: Running): Stage =>
  context.aborted() ? 'given-up' : escalate(stage, plan, context.elapsedMs(), killedAtMs, context.forced());

/** Until something happens, the next look, or the end of somebody's stage. */
export const pause = async (context: Context): Promise<void> => {
  const ends = stillOpen(context).map(({ stage, plan, killedAtMs }) => stageEndsAtMs(stage, plan, killedAtMs));
  if (ends.length > 0) await context.waker.pause(Math.max(0, Math.min(...ends) - context.elapsedMs()));
};
