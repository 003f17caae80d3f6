import { type Clock, createProcessTable, systemClock } from '@cm/process-table';
import { attempt, type CascadeEvent, type CascadeTable, type Context, type Running } from './cascade/running.js';
import { leftIn } from './cascade/settle.js';
import { stopBySignals } from './cascade/stop-by-signals.js';
import { stopByTree } from './cascade/stop-by-tree.js';
import { type Cgroups, systemCgroups } from './cgroup/cgroups.js';
import { type KillTree, killTreeByTaskkill } from './kill-tree.js';
import { planShutdown, type TargetPlan, withoutSignals } from './plan-shutdown.js';
import { type CascadeReport, isGone, type LeftOver, type Outcome } from './report.js';
import type { StopTarget } from './target.js';
import { createWaker } from './waker.js';

export interface CascadeOptions {
  readonly table?: CascadeTable;
  readonly clock?: Clock;
  readonly platform?: NodeJS.Platform;
  /** Windows only: ends a tree whose root is still alive. Default: tree-kill. */
  readonly killTree?: KillTree;
  readonly cgroups?: Cgroups;
  /** Bounds the whole cascade. Default: none but the targets' own times. */
  readonly deadlineMs?: number | undefined;
  /** When it aborts, the stop ends at once with a report of how things stand; what is alive then is `survived`. */
  readonly signal?: AbortSignal | undefined;
  /** When it aborts, SIGKILL goes out at once: a second request. */
  readonly force?: AbortSignal | undefined;
  readonly onProgress?: ((event: CascadeEvent) => void) | undefined;
  /** Pids that are never signalled, whatever they seem to belong to. Default: this process and its parent. */
  readonly never?: ReadonlySet<number>;
}

const runningOf = (plan: TargetPlan): Running => {
  const { exited, closed, lineage = [] } = plan.target;
  const running: Running = {
    plan,
    members: new Map(),
    open: new Map(),
    reached: new Map(),
    signals: [],
    group: undefined,
    held: undefined,
    stage: 'asked',
    killedAtMs: undefined,
    leads: exited !== undefined,
    piped: closed !== undefined && lineage.length > 0,
    sealed: false,
    quiet: 0,
    doubtful: false,
    outcome: undefined,
    durationMs: 0,
  };
  const leave = (): void => {
    running.leads = false;
    // A cgroup that is removed at once, by whoever has heard of this too, announces nothing any more.
    if (running.held !== undefined) running.held.changed = true;
  };
  exited?.then(leave, leave);
  const close = (): void => {
    running.piped = false;
  };
  closed?.then(close, close);
  return running;
};

const leftOvers = (all: readonly Running[], outcome: Outcome, state: 'alive' | 'unknown'): LeftOver[] =>
  all
    .filter((running) => running.outcome === outcome)
    .flatMap((running) => [...leftIn(running, state)].map((pid) => ({ id: running.plan.target.id, pid })));

/**
 * Stops targets and everything that belongs to them, and says what became of each: soft stop where asked, stop signal newest first
 * with nothing waited for in between, CONT, grace, then SIGKILL for whatever member is left even if the leader obeyed, and a wait until
 * the set is empty. What is in a target's cgroup is ended there, at once; whoever is found outside it, or has none, by its identity,
 * which is checked before every single signal. The one implementation behind process stop, session end and shutdown (R5).
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
    cgroups = systemCgroups,
    deadlineMs,
    signal,
    force,
    onProgress = () => {},
    never = new Set([process.pid, process.ppid]),
  } = options;
  const startedAt = new Date(clock.wallMs()).toISOString();
  const startMs = clock.monotonicMs();
  const elapsedMs = (): number => clock.monotonicMs() - startMs;
  const onWindows = platform === 'win32';
  const all = planShutdown(targets, deadlineMs).map((plan) => runningOf(onWindows ? withoutSignals(plan) : plan));
  using waker = createWaker({
    clock,
    signals: [force, signal],
    events: targets.flatMap(({ exited, closed }) => [exited, closed]),
  });
  const context: Context = {
    table,
    cgroups,
    never,
    all,
    elapsedMs,
    emit: (event) => attempt(() => onProgress(event)),
    waker,
    forced: () => force?.aborted === true,
    aborted: () => signal?.aborted === true,
    seen: new Set(),
    newborns: false,
    nextLookAtMs: 0,
    nextPassAtMs: 0,
  };
  try {
    if (onWindows) await stopByTree(context, killTree);
    else await stopBySignals(context);
  } finally {
    for (const { held } of all) held?.watch?.[Symbol.dispose]();
  }

  const reports = all.map(({ plan, members, held, outcome = 'unknown', signals, durationMs }) => ({
    id: plan.target.id,
    pid: plan.target.identity.pid,
    outcome,
    members: [...new Set([...members.keys(), ...(held?.pids ?? [])])],
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
