import { isCgroupPath } from '../cgroup/cgroup-path.js';
import { type Context, type Held, note, type Running } from './running.js';

/** What the kernel says; or what is known already, while its files cannot be read (EMFILE): then nothing new may be concluded. */
const orElse = <T>(known: T, read: () => T): T => {
  try {
    return read();
  } catch {
    return known;
  }
};

/** Who is in it now. */
export const pidsIn = ({ cgroups }: Context, held: Held): readonly number[] => {
  const pids = new Set(orElse(held.present, () => cgroups.pids(held.path)));
  held.present = [...pids];
  held.fresh = false;
  for (const pid of pids) held.pids.add(pid);
  // A number that has gone may come back as another process.
  for (const asked of held.asked) if (!pids.has(asked)) held.asked.delete(asked);
  return held.present;
};

/** The same, but not twice in the breath in which it was taken hold of: those who are to be stopped at once are not kept waiting. */
const justRead = (context: Context, held: Held): readonly number[] =>
  held.fresh ? held.present : pidsIn(context, held);

/** Takes hold of a target's cgroup, unless it is empty, none of ours, or holds somebody who is never signalled. */
export const holdCgroup = (context: Context, running: Running): void => {
  const path = running.plan.target.cgroup;
  const { cgroups, never } = context;
  if (path === undefined || !isCgroupPath(path)) return;
  const pids = orElse(undefined, () => cgroups.pids(path));
  // Zombies are listed, and so is nobody whom this PID namespace cannot number.
  if (pids === undefined || (pids.length === 0 && !orElse(false, () => cgroups.isPopulated(path)))) return;
  if (pids.some((pid) => never.has(pid))) return;
  running.held = {
    path,
    pids: new Set(pids),
    present: pids,
    asked: new Set(),
    killed: new Set(),
    refused: false,
    nameless: false,
    changed: false,
    populated: true,
    fresh: true,
    watch: undefined,
  };
};

/** Lets the kernel announce its end. Not before the first signals are out: they are what somebody waits for. */
export const watchCgroup = ({ cgroups, waker }: Context, held: Held): void => {
  held.watch ??= cgroups.watch(held.path, () => {
    held.changed = true;
    waker.ring();
  });
  // It may have emptied before.
  held.changed = true;
  held.fresh = false;
};

/** Whether anything lives in it; asks the kernel when it has announced a change, and looks who is there now and then. */
export const isPopulated = (context: Context, held: Held): boolean => {
  const ask = (): boolean => orElse(true, () => context.cgroups.isPopulated(held.path));
  if (held.populated && held.changed) {
    held.changed = false;
    held.populated = ask();
    if (held.populated) pidsIn(context, held);
  } else if (held.populated && context.elapsedMs() >= context.nextLookAtMs) {
    held.populated = pidsIn(context, held).length > 0 || ask();
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
  // A leader that is listed and dead has ended of the signal to its group, just now.
  if (found.status !== 'alive') return pid === group;
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
  const isMissing = (pid: number): boolean => !held.asked.has(pid) && !context.never.has(pid);
  const before = justRead(context, held).filter(isMissing);
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
    if (!isMissing(pid)) continue;
    // Who is not there any more has ended of the signal to the group, or of itself.
    const got = after.has(pid) ? await askOne(context, pid, stopSignal, group) : group !== undefined;
    if (!got) continue;
    held.asked.add(pid);
    reached.push(pid);
  }
  note(context, running, stopSignal, reached);
};

/**
 * Kills everything in the cgroup at once, newborns included, unless all that is in it was killed before. False when the kernel refuses,
 * or when somebody is in it who is never signalled.
 */
export const killCgroup = (context: Context, running: Running, held: Held): boolean => {
  const pids = justRead(context, held);
  const fresh = pids.filter((pid) => !held.killed.has(pid));
  if (held.killed.size > 0 && fresh.length === 0) return true;
  const nameless = pids.length === 0 && orElse(true, () => context.cgroups.isPopulated(held.path));
  held.refused ||= pids.some((pid) => context.never.has(pid)) || !context.cgroups.kill(held.path);
  if (held.refused) return false;
  held.nameless ||= nameless;
  for (const pid of fresh) held.killed.add(pid);
  note(context, running, 'SIGKILL', fresh);
  return true;
};

/** Those who came into the cgroup, or were forked in it, after the others were asked or killed get the same. */
export const catchUpCgroup = async (context: Context, running: Running, held: Held): Promise<void> => {
  if (!held.populated) return;
  if (running.stage === 'signalled') await askCgroup(context, running, held);
  if (running.stage === 'killed') killCgroup(context, running, held);
};
