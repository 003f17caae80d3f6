import type { ProcessIdentity, ProcessTable } from '@cm/process-table';
import type { Cgroups } from '../cgroup/cgroups.js';
import type { Stage } from '../escalate.js';
import type { TargetPlan } from '../plan-shutdown.js';
import type { Outcome, SignalRecord } from '../report.js';
import type { Waker } from '../waker.js';

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

/** The part of the process table that a stop needs. */
export type CascadeTable = Pick<ProcessTable, 'identify' | 'list' | 'lookup' | 'signal' | 'signalGroup'>;

/** A cgroup that is being emptied. */
export interface Held {
  readonly path: string;
  /** Everybody seen in it, and who was there at the last look. */
  readonly pids: Set<number>;
  present: readonly number[];
  /** Who has got the stop signal, and whom it was killed with. */
  readonly asked: Set<number>;
  readonly killed: Set<number>;
  /** It may not be killed as a whole: who is in it is ended one by one. */
  refused: boolean;
  /** It was killed with somebody in it whom this PID namespace cannot number. */
  nameless: boolean;
  /** Whether it may have emptied since the last look at that. */
  changed: boolean;
  populated: boolean;
  /** Nothing has been waited for since `present` was read. */
  fresh: boolean;
  watch: Disposable | undefined;
}

/** One target on its way out. */
export interface Running {
  readonly plan: TargetPlan;
  readonly members: Map<number, ProcessIdentity>;
  /** Members of which the last look said that they are alive, or could not say. */
  readonly open: Map<number, 'alive' | 'unknown'>;
  /** Which signals each member has got: nobody gets one twice, and who could not be reached is tried again. */
  readonly reached: Map<string, Set<NodeJS.Signals>>;
  readonly signals: SignalRecord[];
  /** The members of the target's own group in the last listing; undefined when somebody else was in it. */
  group: ReadonlySet<number> | undefined;
  held: Held | undefined;
  stage: Stage;
  killedAtMs: number | undefined;
  /** The leader is our own child, and has not exited. */
  leads: boolean;
  /** Pipes made for it have not closed: somebody may hold one, or nobody has read what is in them. */
  piped: boolean;
  /** Everybody was frozen, and nobody new was found: when they are dead, all is. */
  sealed: boolean;
  /** How many complete passes in a row have found nobody. */
  quiet: number;
  /** Whether one of those may have missed somebody. */
  doubtful: boolean;
  outcome: Outcome | undefined;
  durationMs: number;
}

export interface Context {
  readonly table: CascadeTable;
  readonly cgroups: Cgroups;
  readonly never: ReadonlySet<number>;
  readonly all: readonly Running[];
  readonly elapsedMs: () => number;
  readonly emit: (event: CascadeEvent) => void;
  readonly waker: Waker;
  readonly forced: () => boolean;
  readonly aborted: () => boolean;
  /** Whom the last listing showed. */
  seen: ReadonlySet<string>;
  /** Whether it showed somebody new without a cookie: in the middle of an exec an environment cannot be read. */
  newborns: boolean;
  /** When all cgroups are looked at again although the kernel has announced nothing, in milliseconds since the stop began. */
  nextLookAtMs: number;
  /** When the next pass over all processes is due while known members live, in milliseconds since the stop began. */
  nextPassAtMs: number;
}

/** What somebody else's function does is no reason to leave a stop half done. */
export const attempt = (run: () => void): void => {
  try {
    run();
  } catch {
    // The stop goes on.
  }
};

export const key = ({ pid, startToken }: ProcessIdentity): string => `${pid} ${startToken}`;

export const openIdentities = (running: Running): ProcessIdentity[] =>
  [...running.members.values()].filter(({ pid }) => running.open.has(pid));

export const stillOpen = ({ all }: Context): Running[] => all.filter(({ outcome }) => outcome === undefined);

/** Notes that a signal has reached a member. */
export const reach = ({ reached }: Running, identity: ProcessIdentity, signal: NodeJS.Signals): void => {
  reached.set(key(identity), (reached.get(key(identity)) ?? new Set()).add(signal));
};

export const hasReached = ({ reached }: Running, identity: ProcessIdentity, signal: NodeJS.Signals): boolean =>
  reached.get(key(identity))?.has(signal) === true;

/** Puts signals on record, and tells whoever watches. */
export const note = (context: Context, running: Running, signal: NodeJS.Signals, pids: readonly number[]): void => {
  if (pids.length === 0) return;
  const atMs = context.elapsedMs();
  for (const to of pids) running.signals.push({ signal, atMs, to });
  context.emit({ type: 'signalled', id: running.plan.target.id, signal, pids });
};
