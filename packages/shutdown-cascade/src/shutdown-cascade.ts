import {
  type Clock,
  createProcessTable,
  type Lookup,
  type ProcessIdentity,
  type ProcessRow,
  type ProcessTable,
  systemClock,
} from '@cm/process-table';
import { escalate, type Stage } from './escalate.js';
import { type KillTree, killTreeByTaskkill } from './kill-tree.js';
import { membersOf } from './membership.js';
import { planShutdown, type TargetPlan } from './plan-shutdown.js';
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
/** Something that forks faster than it can be frozen is killed as far as it was found, and then pursued. */
const MOST_FREEZE_PASSES = 50;

interface Running {
  readonly plan: TargetPlan;
  readonly members: Map<number, ProcessIdentity>;
  /** Members of which the last look said that they are alive, or could not say. */
  readonly open: Map<number, 'alive' | 'unknown'>;
  readonly signals: SignalRecord[];
  stage: Stage;
  killedAtMs: number | undefined;
  outcome: Outcome | undefined;
  durationMs: number;
}

interface Context {
  readonly table: Pick<ProcessTable, 'list' | 'lookup' | 'signal'>;
  readonly clock: Clock;
  readonly never: ReadonlySet<number>;
  readonly elapsedMs: () => number;
  readonly emit: (event: CascadeEvent) => void;
  readonly waker: Waker;
  readonly forced: () => boolean;
}

const send = async (
  context: Context,
  running: Running,
  signal: NodeJS.Signals,
  identities: Iterable<ProcessIdentity>,
): Promise<void> => {
  const reached: number[] = [];
  for (const identity of identities) {
    const { outcome } = await context.table.signal(identity, signal);
    if (outcome !== 'sent') continue;
    reached.push(identity.pid);
    running.signals.push({ signal, atMs: context.elapsedMs(), to: identity.pid });
  }
  if (reached.length > 0) context.emit({ type: 'signalled', id: running.plan.target.id, signal, pids: reached });
};

/** Takes in the members of one listing and returns those that are new. */
const absorb = (context: Context, running: Running, rows: readonly ProcessRow[]): ProcessIdentity[] => {
  const { target } = running.plan;
  const known = [...(target.known ?? []), ...running.members.values()];
  const fresh: ProcessIdentity[] = [];
  for (const { identity } of membersOf({ ...target, known }, rows, context.never)) {
    running.open.set(identity.pid, 'alive');
    if (running.members.get(identity.pid)?.startToken === identity.startToken) continue;
    running.members.set(identity.pid, identity);
    fresh.push(identity);
  }
  return fresh;
};

/** Looks at open members until one is found alive: while something lives, nothing more needs to be known. */
const someAlive = async (context: Context, running: Running): Promise<boolean> => {
  for (const pid of running.open.keys()) {
    const identity = running.members.get(pid);
    const { status } = identity === undefined ? { status: 'dead' } : await context.table.lookup(identity);
    if (status === 'alive') return true;
    if (status === 'unknown') running.open.set(pid, 'unknown');
    else running.open.delete(pid);
  }
  return false;
};

/** Stops members where they are so that they cannot fork away, looks again until nobody new turns up, and only then kills. */
const freezeAndKill = async (context: Context, running: Running): Promise<void> => {
  const frozen = new Set<string>();
  for (let pass = 0, quiet = 0; pass < MOST_FREEZE_PASSES && quiet < QUIET_PASSES; pass += 1) {
    absorb(context, running, await context.table.list({ cookies: true }));
    const moving = [...running.members.values()].filter(
      ({ pid, startToken }) => running.open.has(pid) && !frozen.has(`${pid} ${startToken}`),
    );
    quiet = moving.length === 0 ? quiet + 1 : 0;
    for (const identity of moving) {
      frozen.add(`${identity.pid} ${identity.startToken}`);
      // Not part of the report: it is how the killing is done, and every member it reaches is killed next.
      await context.table.signal(identity, 'SIGSTOP');
    }
  }
  await send(context, running, 'SIGKILL', openIdentities(running));
};

const openIdentities = (running: Running): ProcessIdentity[] =>
  [...running.members.values()].filter(({ pid }) => running.open.has(pid));

const conclude = (context: Context, running: Running, outcome: Outcome): void => {
  running.outcome = outcome;
  running.durationMs = context.elapsedMs();
  context.emit({ type: 'done', id: running.plan.target.id, outcome });
};

const withoutMembers = ({ status, ...rest }: Lookup): Outcome => {
  if (status === 'unknown') return 'unknown';
  return 'reason' in rest && rest.reason === 'reused' ? 'foreign' : 'gone';
};

const whenEmpty = (running: Running): Outcome => {
  if ([...running.open.values()].includes('unknown')) return 'escaped';
  return running.stage === 'killed' ? 'killed' : 'exited';
};

/** Moves one target to the stage that is due and does what that stage does. */
const step = async (context: Context, running: Running): Promise<void> => {
  const { plan } = running;
  const due = escalate(running.stage, plan, context.elapsedMs(), running.killedAtMs, context.forced());
  if (due === running.stage) return;
  running.stage = due;
  context.waker.reset();
  if (due === 'signalled') {
    await send(context, running, plan.stopSignal, openIdentities(running));
    // A stopped process acts on no signal but KILL until it is continued; continuing one that runs does nothing.
    for (const identity of openIdentities(running)) await context.table.signal(identity, 'SIGCONT');
  } else if (due === 'killed') {
    await freezeAndKill(context, running);
    running.killedAtMs = context.elapsedMs();
  }
};

/** One pass over all processes for every target that is still open; newcomers get what their target already got. */
const pass = async (context: Context, all: readonly Running[]): Promise<void> => {
  const rows = await context.table.list({ cookies: true });
  for (const running of all) {
    const fresh = absorb(context, running, rows);
    if (fresh.length === 0) continue;
    if (running.stage === 'signalled') await send(context, running, running.plan.stopSignal, fresh);
    if (running.stage === 'killed') await send(context, running, 'SIGKILL', fresh);
  }
};

/** Stops a set on systems with signals: one loop for all targets, so that nobody waits for anybody. */
const runBySignals = async (context: Context, all: readonly Running[]): Promise<void> => {
  const rows = await context.table.list({ cookies: true });
  for (const running of all) {
    absorb(context, running, rows);
    const { target } = running.plan;
    if (running.members.size === 0)
      conclude(context, running, withoutMembers(await context.table.lookup(target.identity)));
    else target.softStop?.ask();
  }
  let lastPassAt = context.elapsedMs();
  for (;;) {
    const open = all.filter(({ outcome }) => outcome === undefined);
    if (open.length === 0) return;
    for (const running of open) await step(context, running);

    const idle: Running[] = [];
    for (const running of open) if (!(await someAlive(context, running))) idle.push(running);
    // An empty set is believed only after a full pass: a member may have left a child behind that nobody had seen.
    if (idle.length > 0 || context.elapsedMs() - lastPassAt >= PASS_EVERY_MS) {
      await pass(context, open);
      lastPassAt = context.elapsedMs();
    }
    for (const running of open) {
      const alive = [...running.open].filter(([, state]) => state === 'alive').map(([pid]) => pid);
      if (idle.includes(running) && alive.length === 0) conclude(context, running, whenEmpty(running));
      else if (running.stage === 'given-up') conclude(context, running, 'survived');
      else {
        const forceInMs = running.stage === 'killed' ? 0 : Math.max(0, running.plan.killAtMs - context.elapsedMs());
        context.emit({ type: 'waiting', id: running.plan.target.id, alive, forceInMs });
      }
    }
    if (all.some(({ outcome }) => outcome === undefined)) await context.waker.pause();
  }
};

/**
 * Stops trees on Windows. A signal there ends only the root, at once, and with it the links to its children: so after the soft stop
 * the tree is killed while its root still lives (R14), and no signal is ever sent.
 */
const runByTree = async (context: Context, all: readonly Running[], killTree: KillTree): Promise<void> => {
  for (const running of all) running.plan.target.softStop?.ask();
  for (const running of all) {
    const { target } = running.plan;
    const gone = async (): Promise<boolean> => (await context.table.lookup(target.identity)).status === 'dead';
    const until = async (endMs: number): Promise<boolean> => {
      for (context.waker.reset(); ; await context.waker.pause()) {
        if (await gone()) return true;
        if (context.elapsedMs() >= endMs || (context.forced() && running.killedAtMs === undefined)) return false;
      }
    };
    const first = await context.table.lookup(target.identity);
    if (first.status !== 'alive') {
      conclude(context, running, withoutMembers(first));
      continue;
    }
    running.members.set(target.identity.pid, target.identity);
    if (target.softStop !== undefined && (await until(running.plan.killAtMs))) {
      conclude(context, running, 'exited');
      continue;
    }
    running.killedAtMs = context.elapsedMs();
    running.signals.push({ signal: 'SIGKILL', atMs: running.killedAtMs, to: target.identity.pid });
    context.emit({ type: 'signalled', id: target.id, signal: 'SIGKILL', pids: [target.identity.pid] });
    // Its failure shows in what is alive afterwards.
    await killTree(target.identity.pid).catch(() => {});
    const killed = await until(running.killedAtMs + running.plan.killWaitMs);
    if (!killed) running.open.set(target.identity.pid, 'alive');
    conclude(context, running, killed ? 'killed' : 'survived');
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
 * Never rejects for what processes do; rejects with `ProcessTableError` where there is no process table.
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
      plan,
      members: new Map(),
      open: new Map(),
      signals: [],
      stage: 'asked',
      killedAtMs: undefined,
      outcome: undefined,
      durationMs: 0,
    }),
  );
  using waker = createWaker({ clock, longestMs: LONGEST_PAUSE_MS, force, exits: targets.map(({ exited }) => exited) });
  const context: Context = {
    table,
    clock,
    never,
    elapsedMs,
    emit: onProgress,
    waker,
    forced: () => force?.aborted === true,
  };
  if (platform === 'win32') await runByTree(context, all, killTree);
  else await runBySignals(context, all);

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
