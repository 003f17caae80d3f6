import {
  type Clock,
  createProcessTable,
  isProcessTableError,
  type ProcessIdentity,
  type ProcessRow,
  type ProcessTable,
  systemClock,
} from '@cm/process-table';
import { escalate, type Stage, stageEndsAtMs } from './escalate.js';
import { type KillTree, killTreeByTaskkill } from './kill-tree.js';
import { shareOut } from './membership.js';
import { planShutdown, type TargetPlan, withoutSignals } from './plan-shutdown.js';
import { type CascadeReport, isGone, type LeftOver, type Outcome, type SignalRecord } from './report.js';
import type { StopTarget } from './target.js';
import { createWaker, type Waker } from './waker.js';

/** Something a person who waits would like to know. */
export type CascadeEvent =
  | {
      readonly type: 'signalled';
      readonly id: string;
      readonly signal: NodeJS.Signals;
      readonly pids: readonly number[];
    }
  /** How many members are left, and how long until SIGKILL (0 once it was sent). */
  | { readonly type: 'waiting'; readonly id: string; readonly alive: readonly number[]; readonly forceInMs: number }
  | { readonly type: 'done'; readonly id: string; readonly outcome: Outcome };

export interface CascadeOptions {
  readonly table?: Pick<ProcessTable, 'list' | 'lookup' | 'signal'>;
  readonly clock?: Clock;
  readonly platform?: NodeJS.Platform;
  /** Windows only: ends a tree whose root is still alive. Default: tree-kill. */
  readonly killTree?: KillTree;
  /** Bounds the whole cascade. Default: none but the targets' own times. */
  readonly deadlineMs?: number | undefined;
  /** When it aborts, SIGKILL goes out at once: a second request. */
  readonly force?: AbortSignal | undefined;
  readonly onProgress?: ((event: CascadeEvent) => void) | undefined;
  /** Pids that are never signalled, whatever they seem to belong to. Default: this process and its parent. */
  readonly never?: ReadonlySet<number>;
}

/** Between two looks at processes that announce their end by no event: from 1 ms, doubling, to this. */
const LONGEST_PAUSE_MS = 25;
/** Between two full passes over all processes while known members are still alive. */
const PASS_EVERY_MS = 100;
/** Freezing ends when this many passes in a row have found nobody new. */
const QUIET_PASSES = 2;
/** So many passes in a row must find nobody where one alone may have missed somebody. */
const DOUBTFUL_PASSES = 5;
/** Something that forks faster than it can be frozen is killed as far as it was found, and then pursued. */
const MOST_FREEZE_PASSES = 50;

interface Running {
  readonly plan: TargetPlan;
  readonly members: Map<number, ProcessIdentity>;
  /** Members of which the last look said that they are alive, or could not say. */
  readonly open: Map<number, 'alive' | 'unknown'>;
  /** Which signals each member has got: nobody gets one twice, and who could not be reached is tried again. */
  readonly reached: Map<string, Set<NodeJS.Signals>>;
  readonly signals: SignalRecord[];
  stage: Stage;
  killedAtMs: number | undefined;
  /** How many complete passes in a row have found nobody. */
  quiet: number;
  /** Whether one of those may have missed somebody. */
  doubtful: boolean;
  outcome: Outcome | undefined;
  durationMs: number;
}

interface Context {
  readonly table: Pick<ProcessTable, 'list' | 'lookup' | 'signal'>;
  readonly never: ReadonlySet<number>;
  readonly all: readonly Running[];
  readonly elapsedMs: () => number;
  readonly emit: (event: CascadeEvent) => void;
  readonly waker: Waker;
  readonly forced: () => boolean;
  /** Whom the last listing showed. */
  seen: ReadonlySet<string>;
  /** Whether it showed somebody new without a cookie: in the middle of an exec an environment cannot be read. */
  newborns: boolean;
}

/** What somebody else's function does is no reason to leave a stop half done. */
const attempt = (run: () => void): void => {
  try {
    run();
  } catch {
    // The stop goes on.
  }
};

const key = ({ pid, startToken }: ProcessIdentity): string => `${pid} ${startToken}`;

const openIdentities = (running: Running): ProcessIdentity[] =>
  [...running.members.values()].filter(({ pid }) => running.open.has(pid));

const stillOpen = ({ all }: Context): Running[] => all.filter(({ outcome }) => outcome === undefined);

const reach = ({ reached }: Running, identity: ProcessIdentity, signal: NodeJS.Signals): void => {
  reached.set(key(identity), (reached.get(key(identity)) ?? new Set()).add(signal));
};

/** Sends a signal to the open members that have not got it, and returns those it reached. */
const send = async (context: Context, running: Running, signal: NodeJS.Signals): Promise<ProcessIdentity[]> => {
  const reached: ProcessIdentity[] = [];
  for (const identity of openIdentities(running)) {
    if (running.reached.get(key(identity))?.has(signal)) continue;
    const { outcome } = await context.table.signal(identity, signal);
    if (outcome !== 'sent') continue;
    reached.push(identity);
    reach(running, identity, signal);
    running.signals.push({ signal, atMs: context.elapsedMs(), to: identity.pid });
  }
  const pids = reached.map(({ pid }) => pid);
  if (pids.length > 0) context.emit({ type: 'signalled', id: running.plan.target.id, signal, pids });
  return reached;
};

const ask = async (context: Context, running: Running): Promise<void> => {
  for (const identity of await send(context, running, running.plan.stopSignal)) {
    // A stopped process acts on no signal but KILL until it is continued; continuing one that runs does nothing.
    await context.table.signal(identity, 'SIGCONT');
  }
};

/** Takes in the members that one listing shows. */
const absorb = (context: Context, rows: readonly ProcessRow[]): void => {
  const targets = context.all.map(({ plan: { target }, members, outcome }) => ({
    ...target,
    known: [...(target.known ?? []), ...members.values()],
    wants: outcome === undefined,
  }));
  const shares = shareOut(targets, rows, context.never);
  context.newborns = rows.some(
    ({ identity, pgid, state, cookie }) =>
      // Kernel threads have no group.
      pgid > 0 && state !== 'zombie' && cookie === undefined && !context.seen.has(key(identity)),
  );
  context.seen = new Set(rows.map(({ identity }) => key(identity)));
  for (const [index, running] of context.all.entries()) {
    if (running.outcome !== undefined) continue;
    for (const { identity } of shares[index] ?? []) {
      // Where one has turned up, another may follow: look again soon.
      if (!running.members.has(identity.pid)) context.waker.reset();
      running.open.set(identity.pid, 'alive');
      running.members.set(identity.pid, identity);
    }
  }
};

/** One pass over all processes. Nothing when they cannot be listed for now: then nothing may be concluded either. */
const pass = async (context: Context): Promise<readonly ProcessRow[] | undefined> => {
  try {
    const rows = await context.table.list({ cookies: true });
    absorb(context, rows);
    return rows;
  } catch (error) {
    if (isProcessTableError(error) && error.code === 'unreadable-proc') return undefined;
    throw error;
  }
};

/** Looks at open members, at all of them or until one is found alive: while something lives, the set is not empty. */
const someAlive = async (context: Context, running: Running, all: boolean): Promise<boolean> => {
  let alive = false;
  for (const identity of openIdentities(running)) {
    const { status } = await context.table.lookup(identity);
    if (status === 'dead') running.open.delete(identity.pid);
    else running.open.set(identity.pid, status);
    if (status === 'alive') alive = true;
    if (alive && !all) break;
  }
  return alive;
};

/** Stops members where they are so that they cannot fork away, looks again until nobody new turns up, and only then kills. */
const freezeAndKill = async (context: Context, running: Running): Promise<void> => {
  const frozen = new Set<string>();
  for (let passes = 0, quiet = 0; passes < MOST_FREEZE_PASSES && quiet < QUIET_PASSES; passes += 1) {
    if ((await pass(context)) === undefined) break;
    const moving = openIdentities(running).filter((identity) => !frozen.has(key(identity)));
    quiet = moving.length === 0 ? quiet + 1 : 0;
    for (const identity of moving) {
      frozen.add(key(identity));
      // Not part of the report: it is how the killing is done, and every member it reaches is killed next.
      const { outcome } = await context.table.signal(identity, 'SIGSTOP');
      if (outcome === 'sent') reach(running, identity, 'SIGSTOP');
    }
  }
  await send(context, running, 'SIGKILL');
};

const conclude = (context: Context, running: Running, outcome: Outcome): void => {
  running.outcome = outcome;
  running.durationMs = context.elapsedMs();
  context.emit({ type: 'done', id: running.plan.target.id, outcome });
};

/** What to say of a target of which a complete listing shows nothing alive. */
const concludeEmpty = async (context: Context, running: Running): Promise<void> => {
  const { identity, known = [] } = running.plan.target;
  const leader = await context.table.lookup(identity);
  const others = await Promise.all(known.map((member) => context.table.lookup(member)));
  if (leader.status === 'alive') {
    // One of those that are never signalled.
    running.open.set(identity.pid, 'alive');
    conclude(context, running, 'survived');
  } else if ([leader, ...others].some(({ status }) => status === 'unknown')) conclude(context, running, 'unknown');
  else if (running.members.size > 0) {
    conclude(context, running, running.signals.some(({ signal }) => signal === 'SIGKILL') ? 'killed' : 'exited');
  } else conclude(context, running, leader.status === 'dead' && leader.reason === 'reused' ? 'foreign' : 'gone');
};

/** Whether one listing that shows nobody may have missed somebody. */
const isDoubtful = ({ newborns }: Context, { stage, members, reached, plan }: Running): boolean => {
  // A member that ended although no signal had reached it may have gone on as another process.
  const slippedAway = [...members.values()].some((identity) => !reached.has(key(identity)));
  return (slippedAway && stage !== 'asked') || (newborns && plan.target.cookie !== undefined);
};

/** Ends what can be ended: an empty set, which is believed only after a complete pass, and a set that was given up. */
const settle = async (context: Context, running: Running, complete: boolean): Promise<void> => {
  const states = [...running.open.values()];
  if (states.length > 0) {
    running.quiet = 0;
    running.doubtful = false;
  } else if (complete) {
    running.quiet += 1;
    running.doubtful ||= isDoubtful(context, running);
  }
  if (running.quiet >= (running.doubtful ? DOUBTFUL_PASSES : 1)) await concludeEmpty(context, running);
  else if (running.stage === 'given-up') conclude(context, running, states.includes('alive') ? 'survived' : 'escaped');
  else {
    const alive = [...running.open].filter(([, state]) => state === 'alive').map(([pid]) => pid);
    const forceInMs = running.stage === 'killed' ? 0 : Math.max(0, running.plan.killAtMs - context.elapsedMs());
    context.emit({ type: 'waiting', id: running.plan.target.id, alive, forceInMs });
  }
};

/** Finds the members there are, ends the targets that have none, and asks the others softly. */
const begin = async (context: Context): Promise<void> => {
  absorb(context, await context.table.list({ cookies: true }));
  for (const running of context.all) {
    if (running.members.size === 0) await concludeEmpty(context, running);
    else attempt(() => running.plan.target.softStop?.ask());
  }
};

const dueStage = (context: Context, { stage, plan, killedAtMs }: Running): Stage =>
  escalate(stage, plan, context.elapsedMs(), killedAtMs, context.forced());

/** Until something happens, the next look, or the end of somebody's stage. */
const pause = async (context: Context): Promise<void> => {
  const ends = stillOpen(context).map(({ stage, plan, killedAtMs }) => stageEndsAtMs(stage, plan, killedAtMs));
  if (ends.length > 0) await context.waker.pause(Math.max(0, Math.min(...ends) - context.elapsedMs()));
};

/** Moves one target to the stage that is due and does what that stage does. */
const step = async (context: Context, running: Running): Promise<void> => {
  const due = dueStage(context, running);
  if (due === running.stage) return;
  running.stage = due;
  context.waker.reset();
  if (due === 'signalled') await ask(context, running);
  else if (due === 'killed') {
    await freezeAndKill(context, running);
    running.killedAtMs = context.elapsedMs();
  }
};

/** Stops a set on systems with signals: one loop for all targets, so that nobody waits for anybody. */
const runBySignals = async (context: Context): Promise<void> => {
  let lastPassAt = context.elapsedMs();
  for (let open = stillOpen(context); open.length > 0; open = stillOpen(context)) {
    for (const running of open) await step(context, running);

    let due = context.elapsedMs() - lastPassAt >= PASS_EVERY_MS || open.some(({ stage }) => stage === 'given-up');
    const thorough = due;
    for (const running of open) if (!(await someAlive(context, running, thorough))) due = true;
    let complete = false;
    // An empty set is believed only after a full pass: a member may have left a child behind that nobody had seen.
    if (due) {
      complete = (await pass(context)) !== undefined;
      lastPassAt = context.elapsedMs();
      // Newcomers get what their target already got.
      for (const running of open) {
        if (running.stage === 'signalled') await ask(context, running);
        if (running.stage === 'killed') await send(context, running, 'SIGKILL');
      }
    }
    for (const running of open) await settle(context, running, complete);
    await pause(context);
  }
};

/** Kills a target's trees from their tops: its leader, and members whose parent is gone or no member. */
const killTrees = async (context: Context, running: Running, killTree: KillTree): Promise<void> => {
  const { id, identity: leader } = running.plan.target;
  // Looked at now, while parents still link to their children.
  const rows = (await pass(context)) ?? [];
  const below = new Set(rows.filter(({ ppid }) => running.open.has(ppid)).map(({ identity }) => identity.pid));
  const tops = openIdentities(running).filter(({ pid }) => pid === leader.pid || !below.has(pid));
  for (const identity of openIdentities(running)) reach(running, identity, 'SIGKILL');
  for (const top of tops) {
    if ((await context.table.lookup(top)).status !== 'alive') continue;
    running.signals.push({ signal: 'SIGKILL', atMs: context.elapsedMs(), to: top.pid });
    context.emit({ type: 'signalled', id, signal: 'SIGKILL', pids: [top.pid] });
    // Not waited for: what is alive afterwards shows whether it worked, and the wait for that has an end.
    attempt(() => void killTree(top.pid).then(context.waker.reset, context.waker.reset));
  }
};

/**
 * Stops trees on Windows. A signal there ends only the root, at once, and with it the links to its children: so after the soft stop
 * the tree is killed while its root still lives (R14), and no signal is ever sent. Without a soft stop there is nothing to wait for.
 */
const runByTree = async (context: Context, killTree: KillTree): Promise<void> => {
  for (let open = stillOpen(context); open.length > 0; open = stillOpen(context)) {
    for (const running of open) {
      const due = dueStage(context, running);
      if (due === 'killed' && running.stage !== 'killed') {
        await killTrees(context, running, killTree);
        running.killedAtMs = context.elapsedMs();
      }
      running.stage = due;
    }
    for (const running of open) await settle(context, running, !(await someAlive(context, running, true)));
    await pause(context);
  }
};

const leftOvers = (all: readonly Running[], outcome: Outcome, state: 'alive' | 'unknown'): LeftOver[] =>
  all
    .filter((running) => running.outcome === outcome)
    .flatMap(({ plan, open }) =>
      [...open].filter(([, seen]) => seen === state).map(([pid]) => ({ id: plan.target.id, pid })),
    );

/**
 * Stops targets and everything that belongs to them, and says what became of each: soft stop where asked, stop signal newest first
 * with nothing waited for in between, CONT, grace, then SIGKILL for whatever member is left even if the leader obeyed, and a wait until
 * the set is empty. An identity is checked before every single signal. The one implementation behind process stop, session end and
 * shutdown (R5).
 *
 * Never rejects for what processes do, nor for what `ask` and `onProgress` throw; rejects with `ProcessTableError`, before anything
 * is sent, where there is no process table or it cannot be read.
 */
export const runShutdownCascade = async (
  targets: readonly StopTarget[],
  options: CascadeOptions = {},
): Promise<CascadeReport> => {
  const {
    table = createProcessTable(),
    clock = systemClock,
    platform = process.platform,
    killTree = killTreeByTaskkill,
    deadlineMs,
    force,
    onProgress = () => {},
    never = new Set([process.pid, process.ppid]),
  } = options;
  const startedAt = new Date(clock.wallMs()).toISOString();
  const startMs = clock.monotonicMs();
  const elapsedMs = (): number => clock.monotonicMs() - startMs;
  const all = planShutdown(targets, deadlineMs).map(
    (plan): Running => ({
      plan: platform === 'win32' ? withoutSignals(plan) : plan,
      members: new Map(),
      open: new Map(),
      reached: new Map(),
      signals: [],
      stage: 'asked',
      killedAtMs: undefined,
      quiet: 0,
      doubtful: false,
      outcome: undefined,
      durationMs: 0,
    }),
  );
  using waker = createWaker({ clock, longestMs: LONGEST_PAUSE_MS, force, exits: targets.map(({ exited }) => exited) });
  const context: Context = {
    table,
    never,
    all,
    elapsedMs,
    emit: (event) => attempt(() => onProgress(event)),
    waker,
    forced: () => force?.aborted === true,
    seen: new Set(),
    newborns: false,
  };
  await begin(context);
  if (platform === 'win32') await runByTree(context, killTree);
  else await runBySignals(context);

  const reports = all.map(({ plan, members, outcome = 'unknown', signals, durationMs }) => ({
    id: plan.target.id,
    pid: plan.target.identity.pid,
    outcome,
    members: [...members.keys()],
    signals,
    durationMs,
  }));
  return {
    ok: reports.every(({ outcome }) => isGone(outcome)),
    startedAt,
    durationMs: elapsedMs(),
    targets: reports,
    survivors: leftOvers(all, 'survived', 'alive'),
    escaped: leftOvers(all, 'escaped', 'unknown'),
  };
};
