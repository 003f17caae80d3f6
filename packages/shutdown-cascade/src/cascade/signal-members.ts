import { type Context, hasReached, key, note, openIdentities, type Running, reach } from './running.js';

/** Sends a signal to the target's own group at once, where the group is wholly its own; notes whom it reached. */
const sendToGroup = async (context: Context, running: Running, signal: NodeJS.Signals): Promise<number[]> => {
  const { group, plan } = running;
  const fresh = openIdentities(running).filter(
    (identity) => group?.has(identity.pid) && !hasReached(running, identity, signal),
  );
  // One alone is reached by its own number just as well.
  if (group === undefined || fresh.length < 2 || fresh.length < group.size) return [];
  const { outcome } = await context.table.signalGroup(plan.target.identity, signal);
  if (outcome !== 'sent') return [];
  for (const identity of fresh) reach(running, identity, signal);
  return fresh.map(({ pid }) => pid);
};

/** Sends a signal to the open members that have not got it, and returns the pids it reached. */
export const send = async (context: Context, running: Running, signal: NodeJS.Signals): Promise<number[]> => {
  const reached = await sendToGroup(context, running, signal);
  for (const identity of openIdentities(running)) {
    if (hasReached(running, identity, signal)) continue;
    const { outcome } = await context.table.signal(identity, signal);
    if (outcome !== 'sent') continue;
    reached.push(identity.pid);
    reach(running, identity, signal);
  }
  return reached;
};

/** Asks the open members to end. */
export const ask = async (context: Context, running: Running): Promise<void> => {
  const { stopSignal } = running.plan;
  note(context, running, stopSignal, await send(context, running, stopSignal));
  // A stopped process acts on no signal but KILL until it is continued; continuing one that runs does nothing.
  await send(context, running, 'SIGCONT');
};

/** Kills the open members. */
export const kill = async (context: Context, running: Running): Promise<void> => {
  note(context, running, 'SIGKILL', await send(context, running, 'SIGKILL'));
};

/** Looks at open members, at all of them or until one is found alive: while something lives, the set is not empty. */
export const someAlive = async (context: Context, running: Running, all: boolean): Promise<boolean> => {
  const { identity: leader } = running.plan.target;
  let alive = running.leads && running.stage !== 'killed' && running.open.has(leader.pid);
  if (alive && !all) return true;
  for (const identity of openIdentities(running)) {
    const { status } = await context.table.lookup(identity);
    if (status === 'dead') running.open.delete(identity.pid);
    else running.open.set(identity.pid, status);
    if (status === 'alive') alive = true;
    if (alive && !all) break;
  }
  return alive;
};

/** Whether a member ended although no signal had reached it: it may have gone on as another process. */
export const someSlippedAway = ({ members, reached }: Running): boolean =>
  [...members.values()].some((identity) => !reached.has(key(identity)));
