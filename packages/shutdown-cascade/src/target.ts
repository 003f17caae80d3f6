import type { ProcessIdentity } from '@cm/process-table';

/** One thing to stop: a leader and everything that belongs to it. Plain data, apart from the two ways to talk to our own child. */
export interface StopTarget {
  /** The caller's name for it; comes back in the report. */
  readonly id: string;
  readonly identity: ProcessIdentity;
  /** The process group, only if it was created for this target (field failure 42). */
  readonly pgid?: number | undefined;
  /** The whole value of `CM_SCOPE` in the environment it was started with. */
  readonly cookie?: string | undefined;
  /** The directory of a cgroup that was made for this target alone: whatever is in it belongs to the target. */
  readonly cgroup?: string | undefined;
  /**
   * The target's ends of pipes made for it, in the words of `ProcessTable.openDescriptors`. Whoever holds one, and did not start before
   * the leader, belongs to the target: an older process has been handed it, as `tmux` and `ssh` servers are.
   */
  readonly lineage?: readonly string[] | undefined;
  /** Members seen earlier: they belong to the target whatever has become of their parents and groups. */
  readonly known?: readonly ProcessIdentity[] | undefined;
  /** Start order: the higher, the newer. The newest is stopped first. */
  readonly order?: number | undefined;
  /** Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals | undefined;
  /** From the stop signal to SIGKILL. Default 5,000. */
  readonly graceMs?: number | undefined;
  /** How long after SIGKILL the set may take to empty. Default 1,000. */
  readonly killWaitMs?: number | undefined;
  /** Asks before any signal is sent, for instance by closing stdin. The stop signal follows after `waitMs`. */
  readonly softStop?: { readonly ask: () => void; readonly waitMs: number } | undefined;
  /** Settles when our own child has exited: a wait then ends at once instead of at its next look, and until then nobody looks. */
  readonly exited?: Promise<unknown> | undefined;
  /** Settles when its pipes have closed: the last who held one may be gone. */
  readonly closed?: Promise<unknown> | undefined;
}

export const DEFAULT_STOP_SIGNAL: NodeJS.Signals = 'SIGTERM';
export const DEFAULT_GRACE_MS = 5_000;
export const DEFAULT_KILL_WAIT_MS = 1_000;
