import { isCgroupPath } from '../cgroup/cgroup-path.js';
import { type Context, type Held, note, type Running } from './running.js';

/** How often somebody looks who is in a cgroup, and whether it is empty, although the kernel has announced nothing. */
const LOOK_EVERY_MS = 100;

/** Who is in it now. */
export const pidsIn = ({ cgroups, elapsedMs }: Context, held: Held): number[] => {
  const pids = cgroups.pids(held.path);
  held.lookedAtMs = elapsedMs();
  held.present = pids;
  for (const pid of pids) held.pids.add(pid);
  return pids;
};

/** Takes hold of a target's cgroup, unless it is empty, none of ours, or holds somebody who is never signalled. */
export const holdCgroup = (context: Context, running: Running): void => {
  const path = running.plan.target.cgroup;
  const { cgroups, never, waker } = context;
  if (path === undefined || !isCgroupPath(path) || !cgroups.isPopulated(path)) return;
  const pids = cgroups.pids(path);
  if (pids.some((pid) => never.has(pid))) return;
  const held: Held = {
    path,
    pids: new Set(pids),
    present: pids,
    asked: new Set(),
    lookedAtMs: context.elapsedMs(),
    changed: false,
    populated: true,
    watch: cgroups.watch(path, () => {
      held.changed = true;
      waker.ring();
    }),
  };
  running.held = held;
};

/** Whether anything lives in it; asks the kernel when it has announced a change, and now and then. */
export const isPopulated = (context: Context, held: Held): boolean => {
  const due = held.changed || context.elapsedMs() - held.lookedAtMs >= LOOK_EVERY_MS;
  if (held.populated && due) {
    held.changed = false;
    held.populated = context.cgroups.isPopulated(held.path);
    if (held.populated) pidsIn(context, held);
  }
  return held.populated;
};

/** The stop signal for one process that is in the cgroup now, and SIGCONT after it: a stopped process acts on no other. */
const askOne = async (
  { table }: Context,
  pid: number,
  signal: NodeJS.Signals,
  group: number | undefined,
): Promise<boolean> => {
  const found = await table.identify(pid);
  if (found.status !== 'alive') return false;
  if (found.process.pgid === group) return true;
  const { outcome } = await table.signal(found.process.identity, signal);
  if (outcome !== 'sent') return false;
  await table.signal(found.process.identity, 'SIGCONT');
  return true;
};

/** Asks whoever is in the cgroup and has not been asked: the leader's group at once, then those outside it. */
export const askCgroup = async (context: Context, running: Running, held: Held): Promise<void> => {
  const { stopSignal, target } = running.plan;
  const { identity, pgid } = target;
  const before = pidsIn(context, held).filter((pid) => !held.asked.has(pid));
  if (before.length === 0) return;
  let group: number | undefined;
  if (held.asked.size === 0 && pgid === identity.pid && before.includes(identity.pid)) {
    const { outcome } = await context.table.signalGroup(identity, stopSignal);
    if (outcome === 'sent') {
      group = pgid;
      await context.table.signalGroup(identity, 'SIGCONT');
    }
  }
  const after = new Set(pidsIn(context, held));
  const reached: number[] = [];
  for (const pid of new Set([...before, ...after])) {
    if (held.asked.has(pid)) continue;
    // Who is not there any more has ended of the signal to the group, or of itself.
    const got = after.has(pid) ? await askOne(context, pid, stopSignal, group) : group !== undefined;
    if (!got) continue;
    held.asked.add(pid);
    reached.push(pid);
  }
  note(context, running, stopSignal, reached);
};

/** Kills everything in the cgroup at once, newborns included. False when the kernel refused. */
export const killCgroup = (context: Context, running: Running, held: Held): boolean => {
  const pids = pidsIn(context, held);
  if (pids.some((pid) => context.never.has(pid))) return false;
  if (!context.cgroups.kill(held.path)) return false;
  note(context, running, 'SIGKILL', pids);
  return true;
};
