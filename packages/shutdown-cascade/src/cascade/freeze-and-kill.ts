import type { ProcessIdentity, ProcessRow, SignalResult } from '@cm/process-table';
import { mayDescend } from '../membership.js';
import { killCgroup } from './held-cgroup.js';
import { pass } from './pass.js';
import { type Context, hasReached, key, openIdentities, type Running, reach } from './running.js';
import { kill, send } from './signal-members.js';

/** Freezing ends when this many passes in a row have found nobody new. */
const QUIET_PASSES = 2;
/** Something that forks faster than it can be frozen is killed as far as it was found, and then pursued. */
const MOST_FREEZE_PASSES = 50;

/** Whether a process is a target's own, or a child of what is. */
const isNear = ({ plan, members, open }: Running, { identity, ppid }: ProcessRow): boolean =>
  plan.target.identity.pid === identity.pid || members.has(identity.pid) || (members.has(ppid) && open.has(ppid));

/** Whether a process belongs to one of these by what one look at it shows; who belongs by its links is found by the pass as a whole. */
const isPrey = (running: readonly Running[], row: ProcessRow): boolean =>
  running.some((one) => {
    const { target } = one.plan;
    if (row.cookie !== undefined && row.cookie === target.cookie) return true;
    if (row.holds?.some((held) => target.lineage?.includes(held)) && mayDescend(row, target)) return true;
    // A frozen parent keeps its number.
    const parent = one.members.get(row.ppid);
    return parent !== undefined && one.open.has(row.ppid) && hasReached(one, parent, 'SIGSTOP');
  });

/**
 * One pass that freezes members in the tick in which each is read: what goes on as another process every millisecond is gone before the
 * pass is over. Undefined when processes cannot be listed for now.
 */
const hunt = async (context: Context, running: readonly Running[]): Promise<readonly ProcessRow[] | undefined> => {
  const frozen: { readonly identity: ProcessIdentity; readonly sent: Promise<SignalResult> }[] = [];
  const rows = await pass(context, (row) => {
    const { identity, state } = row;
    if (state === 'zombie' || context.never.has(identity.pid) || !isPrey(running, row)) return;
    // Where a cookie is shared, one target may be dying while another has all its grace left.
    if (context.all.some((one) => !running.includes(one) && isNear(one, row))) return;
    if (running.some((one) => hasReached(one, identity, 'SIGSTOP'))) return;
    // The adapters of the systems where this matters have acted when they return.
    frozen.push({ identity, sent: context.table.signal(identity, 'SIGSTOP') });
  });
  for (const { identity, sent } of frozen) {
    if ((await sent).outcome !== 'sent') continue;
    // Not part of the report: it is how the killing is done, and every member it reaches is killed next.
    const owner = running.find((one) => one.open.has(identity.pid));
    if (owner === undefined) await context.table.signal(identity, 'SIGCONT');
    else reach(owner, identity, 'SIGSTOP');
  }
  return rows;
};

/** Stops members where they are so that they cannot fork away, and looks again until nobody new turns up. True when that was so. */
const freeze = async (context: Context, running: readonly Running[]): Promise<boolean> => {
  const tried = new Set<string>();
  /** Stops whoever was not tried before; false when there was nobody. */
  const stop = async (): Promise<boolean> => {
    const before = tried.size;
    for (const one of running) {
      for (const identity of openIdentities(one)) tried.add(key(identity));
      await send(context, one, 'SIGSTOP');
    }
    return tried.size > before;
  };
  await stop();
  let quiet = 0;
  for (let passes = 0; passes < MOST_FREEZE_PASSES && quiet < QUIET_PASSES; passes += 1) {
    if ((await hunt(context, running)) === undefined) return false;
    quiet = (await stop()) ? 0 : quiet + 1;
  }
  return quiet >= QUIET_PASSES && !context.newborns;
};

/** Kills targets: a cgroup at once, other members frozen first, so that none forks away between being seen and being killed. */
export const freezeAndKill = async (context: Context, due: readonly Running[]): Promise<void> => {
  const scattered: Running[] = [];
  for (const running of due) {
    running.stage = 'killed';
    const { held } = running;
    const ended = held !== undefined && killCgroup(context, running, held);
    if (!ended || running.open.size > 0) scattered.push(running);
  }
  if (scattered.length > 0) {
    const sealed = await freeze(context, scattered);
    for (const running of scattered) {
      const all = openIdentities(running);
      running.sealed = sealed && all.every((identity) => hasReached(running, identity, 'SIGSTOP'));
      await kill(context, running);
    }
  }
  for (const running of due) running.killedAtMs = context.elapsedMs();
};
