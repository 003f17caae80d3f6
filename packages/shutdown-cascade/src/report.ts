/**
 * How one target ended.
 *
 * - `exited`: every member was gone before SIGKILL was due. `killed`: SIGKILL was needed, and then every member was gone.
 * - `survived`: a member was alive at the end. `escaped`: a member was seen and then lost from sight.
 * - `gone`: nothing of it was alive when the stop began. `foreign`: its pid belongs to another process; nothing was sent.
 * - `unknown`: its identity could not be established; nothing was sent.
 */
export type Outcome = 'exited' | 'killed' | 'survived' | 'escaped' | 'gone' | 'foreign' | 'unknown';

export interface SignalRecord {
  readonly signal: NodeJS.Signals;
  /** Milliseconds since the stop began, on a monotonic clock. */
  readonly atMs: number;
  readonly to: number;
}

export interface TargetReport {
  readonly id: string;
  readonly pid: number;
  readonly outcome: Outcome;
  /** The pids of every member seen. */
  readonly members: readonly number[];
  readonly signals: readonly SignalRecord[];
  readonly durationMs: number;
}

export interface LeftOver {
  readonly id: string;
  readonly pid: number;
}

/** What a stop did. Serialisable. */
export interface CascadeReport {
  /** Every target is known to be gone. */
  readonly ok: boolean;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** In the order in which they were stopped: newest first. */
  readonly targets: readonly TargetReport[];
  readonly survivors: readonly LeftOver[];
  readonly escaped: readonly LeftOver[];
}

const GONE: readonly Outcome[] = ['exited', 'killed', 'gone', 'foreign'];

/** Whether an outcome says that nothing of the target is left. */
export const isGone = (outcome: Outcome): boolean => GONE.includes(outcome);
