import { escalate, type Stage, stageEndsAtMs } from '../escalate.js';
import { type Context, type Running, stillOpen } from './running.js';

/** Between two looks at processes that announce their end by no event: from 1 ms, doubling, to this. */
const LONGEST_PAUSE_MS = 25;
/** The same where every end announces itself: whoever waits likes to see the time pass. */
const LONGEST_QUIET_MS = 1_000;

/** Between two looks of one kind: at least this, */
const LOOK_EVERY_MS = 100;
/** and so many times what the last one took: the looks of each kind cost a third of a percent of a processor. */
const REST = 300;

/** How long to rest after a look that took so long. */
export const restAfter = (tookMs: number): number => Math.max(LOOK_EVERY_MS, REST * tookMs);

/** The stage a target should be in now. */
export const dueStage = (context: Context, { stage, plan, killedAtMs }: Running): Stage =>
  context.aborted() ? 'given-up' : escalate(stage, plan, context.elapsedMs(), killedAtMs, context.forced());

/** Whether nobody has to look for its end: our own child exits, or the kernel says that a cgroup has emptied. */
const isAnnounced = ({ leads, stage, held, open, plan }: Running): boolean =>
  held?.populated === true || (leads && stage !== 'killed' && open.has(plan.target.identity.pid));

/** When a target is next looked at although nothing has happened. */
const lookAtMs = ({ nextLookAtMs, nextPassAtMs }: Context, { held }: Running): number =>
  held?.populated === true && !held.refused ? nextLookAtMs : nextPassAtMs;

/** Until something happens, the next look, or the end of somebody's stage. */
export const pause = async (context: Context): Promise<void> => {
  const open = stillOpen(context);
  if (open.length === 0) return;
  const ends = open.map(({ stage, plan, killedAtMs }) => stageEndsAtMs(stage, plan, killedAtMs));
  const isQuiet = open.every(isAnnounced);
  const looks = isQuiet ? open.map((running) => lookAtMs(context, running)) : [];
  // Timers know whole milliseconds: a moment too early there would be nothing to do.
  const atMostMs = Math.max(0, Math.ceil(Math.min(...ends, ...looks) - context.elapsedMs()));
  await context.waker.pause(atMostMs, isQuiet ? LONGEST_QUIET_MS : LONGEST_PAUSE_MS);
};
