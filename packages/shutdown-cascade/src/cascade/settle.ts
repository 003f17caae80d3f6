import type { Outcome } from '../report.js';
import type { Context, Running } from './running.js';
import { someSlippedAway } from './signal-members.js';

/** So many passes in a row must find nobody where one alone may have missed somebody. */
const DOUBTFUL_PASSES = 5;

const conclude = (context: Context, running: Running, outcome: Outcome): void => {
  running.outcome = outcome;
  running.durationMs = context.elapsedMs();
  running.held?.watch?.[Symbol.dispose]();
  context.emit({ type: 'done', id: running.plan.target.id, outcome });
};

const wasKilled = ({ signals, held }: Running): boolean =>
  held?.nameless === true || signals.some(({ signal }) => signal === 'SIGKILL');

/** What to say of a target of which a complete look shows nothing alive. */
export const concludeEmpty = async (context: Context, running: Running): Promise<void> => {
  const { identity, known = [], cgroup } = running.plan.target;
  const leader = await context.table.lookup(identity);
  const others = await Promise.all(known.map((member) => context.table.lookup(member)));
  if (leader.status === 'alive') {
    // One of those that are never signalled.
    running.open.set(identity.pid, 'alive');
    conclude(context, running, 'survived');
    return;
  }
  if (cgroup !== undefined && running.held !== undefined) context.cgroups.remove(cgroup);
  if ([leader, ...others].some(({ status }) => status === 'unknown')) conclude(context, running, 'unknown');
  else if (running.members.size > 0 || running.held !== undefined) {
    conclude(context, running, wasKilled(running) ? 'killed' : 'exited');
  } else conclude(context, running, leader.status === 'dead' && leader.reason === 'reused' ? 'foreign' : 'gone');
};

/** Whether one listing that shows nobody may have missed somebody. */
const isDoubtful = ({ newborns }: Context, running: Running): boolean =>
  (someSlippedAway(running) && running.stage !== 'asked') ||
  (newborns && running.held === undefined && running.plan.target.cookie !== undefined);

/** Whether somebody may still hold a pipe of a target that nothing but a listing shows: unlike other doubts this one ends when it closes. */
const isPiped = ({ piped, held }: Running): boolean => piped && held === undefined;

/** The members of which the last look said this, those in a cgroup included. */
export const leftIn = ({ open, held }: Running, state: 'alive' | 'unknown'): Set<number> =>
  new Set([
    ...[...open].filter(([, seen]) => seen === state).map(([pid]) => pid),
    ...(state === 'alive' && held?.populated === true ? held.present : []),
  ]);

const isHeld = ({ held }: Running): boolean => held?.populated === true;

/**
 * Ends what can be ended: an empty set, which is believed only after a complete pass or when everybody had been frozen before, and a set
 * that was given up.
 */
export const settle = async (context: Context, running: Running, complete: boolean): Promise<void> => {
  const states = [...running.open.values()];
  if (states.length > 0 || isHeld(running)) {
    running.quiet = 0;
    running.doubtful = false;
  } else if (running.sealed) running.quiet = DOUBTFUL_PASSES;
  else if (complete) {
    running.quiet += 1;
    running.doubtful ||= isDoubtful(context, running);
  }
  if (running.quiet >= (running.doubtful || isPiped(running) ? DOUBTFUL_PASSES : 1))
    await concludeEmpty(context, running);
  else if (running.stage === 'given-up') {
    conclude(context, running, states.includes('alive') || isHeld(running) ? 'survived' : 'escaped');
  } else {
    const alive = [...leftIn(running, 'alive')];
    const forceInMs = running.stage === 'killed' ? 0 : Math.max(0, running.plan.killAtMs - context.elapsedMs());
    context.emit({ type: 'waiting', id: running.plan.target.id, alive, forceInMs });
  }
};
