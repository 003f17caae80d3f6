import { dueStage, pause, restAfter } from './clockwork.js';
import { freezeAndKill } from './freeze-and-kill.js';
import { askCgroup, catchUpCgroup, holdCgroup, isPopulated, watchCgroup } from './held-cgroup.js';
import { pass, takeIn } from './pass.js';
import { attempt, type Context, type Running, stillOpen } from './running.js';
import { concludeEmpty, settle } from './settle.js';
import { ask, kill, someAlive } from './signal-members.js';

/** Whether all that is known of a target is in its cgroup: then nobody needs to be looked for. */
const isWhollyHeld = async ({ table }: Context, { held, plan }: Running): Promise<boolean> => {
  if (held === undefined) return false;
  const { identity, known = [] } = plan.target;
  for (const one of [identity, ...known]) {
    if (!held.pids.has(one.pid) && (await table.lookup(one)).status !== 'dead') return false;
  }
  return true;
};

/** Whether there is nothing to stop. What hops from process to process may be missed by one look, but not the pipe that it holds. */
const isEmpty = ({ members, held, piped }: Running): boolean => members.size === 0 && held === undefined && !piped;

/** Finds the members there are, ends the targets that have none, and asks the others softly. */
const begin = async (context: Context): Promise<void> => {
  let scan = false;
  for (const running of context.all) {
    holdCgroup(context, running);
    if (!(await isWhollyHeld(context, running))) scan = true;
  }
  if (scan) await takeIn(context);
  for (const running of context.all) {
    if (isEmpty(running)) await concludeEmpty(context, running);
    else attempt(() => running.plan.target.softStop?.ask());
  }
};

/** Moves targets to the stage that is due, and does what that stage does. */
const advance = async (context: Context, open: readonly Running[]): Promise<void> => {
  const dying: Running[] = [];
  for (const running of open) {
    const due = dueStage(context, running);
    if (due === running.stage) continue;
    running.stage = due;
    context.waker.reset();
    if (due === 'killed') dying.push(running);
    if (due !== 'signalled') continue;
    if (running.held !== undefined) await askCgroup(context, running, running.held);
    await ask(context, running);
  }
  if (dying.length > 0) await freezeAndKill(context, dying);
};

/** Newcomers get what their target already got. */
const catchUp = async (context: Context, running: Running): Promise<void> => {
  const { held, stage } = running;
  if (held !== undefined) await catchUpCgroup(context, running, held);
  if (stage === 'signalled') await ask(context, running);
  if (stage === 'killed') await kill(context, running);
};

/** Looks at a target's known members. True while one lives. */
const lives = async (context: Context, running: Running, thorough: boolean): Promise<boolean> => {
  const { held } = running;
  if (held === undefined) return someAlive(context, running, thorough);
  if (held.watch === undefined) watchCgroup(context, held);
  const populated = isPopulated(context, held);
  const got = running.stage === 'killed' ? held.killed : held.asked;
  if (held.present.some((pid) => !got.has(pid))) await catchUpCgroup(context, running, held);
  return (await someAlive(context, running, thorough)) || populated;
};

/** Stops a set on systems with signals: one loop for all targets, so that nobody waits for anybody. */
export const stopBySignals = async (context: Context): Promise<void> => {
  await begin(context);
  for (let open = stillOpen(context); open.length > 0; open = stillOpen(context)) {
    await advance(context, open);

    const scanned = open.some(({ held }) => held?.populated !== true || held.refused);
    let due =
      (scanned && context.elapsedMs() >= context.nextPassAtMs) || open.some(({ stage }) => stage === 'given-up');
    const thorough = due;
    const lookedAtMs = context.elapsedMs();
    for (const running of open) {
      if (!(await lives(context, running, thorough)) && !running.sealed) due = true;
    }
    // Not before all of them have been looked at.
    if (lookedAtMs >= context.nextLookAtMs) {
      const doneAtMs = context.elapsedMs();
      context.nextLookAtMs = doneAtMs + restAfter(doneAtMs - lookedAtMs);
    }
    let complete = false;
    // An empty set is believed only after a full pass: a member may have left a child behind that nobody had seen.
    if (due) {
      complete = (await pass(context)) !== undefined;
      for (const running of open) await catchUp(context, running);
    }
    for (const running of open) await settle(context, running, complete);
    await pause(context);
  }
};
