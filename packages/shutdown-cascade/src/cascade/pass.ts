import { isProcessTableError, type ProcessIdentity, type ProcessRow } from '@cm/process-table';
import { shareOut } from '../membership.js';
import { restAfter } from './clockwork.js';
import { pidsIn } from './held-cgroup.js';
import { type Context, key, type Running, stillOpen } from './running.js';

/** The oldest leader: whoever is older than all of them descends from none. Undefined where start tokens are not numbers. */
const oldestOf = (running: readonly Running[]): ProcessIdentity | undefined => {
  const leaders = running.map(({ plan }) => plan.target.identity);
  if (leaders.some(({ startToken }) => !/^\d+$/.test(startToken))) return undefined;
  return [...leaders].sort((a, b) => Number(a.startToken) - Number(b.startToken))[0];
};

/** The members of a target's own group, provided that nobody else is in it: only then may it be signalled as a whole. */
const ownGroup = ({ plan: { target }, members }: Running, rows: readonly ProcessRow[]): Set<number> | undefined => {
  if (target.pgid === undefined || target.pgid !== target.identity.pid) return undefined;
  const group = rows.filter(({ pgid, state }) => pgid === target.pgid && state !== 'zombie');
  return group.every(({ identity }) => members.has(identity.pid))
    ? new Set(group.map(({ identity }) => identity.pid))
    : undefined;
};

/**
 * Those who have been seen in a target's cgroup and carry its cookie: where targets share that, this tells whose they are. The pid alone,
 * which may have come round, would prove nothing.
 */
const wereInside = ({ held, plan: { target } }: Running, rows: readonly ProcessRow[]): ProcessIdentity[] =>
  held === undefined
    ? []
    : rows
        .filter(
          ({ identity, cookie }) => held.pids.has(identity.pid) && cookie !== undefined && cookie === target.cookie,
        )
        .map(({ identity }) => identity);

/** Takes in the members that one listing shows. */
const absorb = (context: Context, rows: readonly ProcessRow[]): void => {
  // What is in a cgroup is its target's, whatever a shared cookie says, and is stopped there.
  const held = context.all.map((running) => (running.held?.populated === true ? pidsIn(context, running.held) : []));
  const targets = context.all.map((running) => ({
    ...running.plan.target,
    known: [...(running.plan.target.known ?? []), ...running.members.values(), ...wereInside(running, rows)],
    wants: running.outcome === undefined,
  }));
  const shares = shareOut(targets, rows, new Set([...context.never, ...held.flat()]));
  context.newborns = rows.some(
    ({ identity, pgid, state, cookie }) =>
      // Kernel threads have no group.
      pgid > 0 && state !== 'zombie' && cookie === undefined && !context.seen.has(key(identity)),
  );
  context.seen = new Set(rows.map(({ identity }) => key(identity)));
  for (const [index, running] of context.all.entries()) {
    if (running.outcome !== undefined) continue;
    const inside = new Set(running.held?.refused === true ? held[index] : []);
    const isInside = ({ identity: { pid }, state }: ProcessRow): boolean =>
      inside.has(pid) && state !== 'zombie' && !context.never.has(pid);
    for (const { identity } of [...(shares[index] ?? []), ...rows.filter(isInside)]) {
      // Where one has turned up, another may follow: look again soon.
      if (!running.members.has(identity.pid)) context.waker.reset();
      running.open.set(identity.pid, 'alive');
      running.members.set(identity.pid, identity);
    }
    running.group = ownGroup(running, rows);
  }
};

/** One look at all processes, as the targets that are still open need it. @throws ProcessTableError as `list` does. */
export const takeIn = async (context: Context, onRow?: (row: ProcessRow) => void): Promise<readonly ProcessRow[]> => {
  const open = stillOpen(context);
  const descriptors = new Set(open.flatMap(({ plan }) => plan.target.lineage ?? []));
  const since = oldestOf(open);
  const startedAtMs = context.elapsedMs();
  const rows = await context.table.list({
    cookies: true,
    ...(descriptors.size > 0 ? { descriptors } : {}),
    ...(since === undefined ? {} : { since }),
    ...(onRow === undefined ? {} : { onRow }),
  });
  absorb(context, rows);
  const endedAtMs = context.elapsedMs();
  context.nextPassAtMs = endedAtMs + restAfter(endedAtMs - startedAtMs);
  return rows;
};

/** The same, but nothing when processes cannot be listed for now: then nothing may be concluded either. */
export const pass = async (
  context: Context,
  onRow?: (row: ProcessRow) => void,
): Promise<readonly ProcessRow[] | undefined> => {
  try {
    return await takeIn(context, onRow);
  } catch (error) {
    if (isProcessTableError(error) && error.code !== 'unsupported-platform') return undefined;
    throw error;
  }
};
