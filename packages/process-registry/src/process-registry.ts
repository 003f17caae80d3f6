import type { Clock, ProcessIdentity, ProcessRow, ProcessTable } from '@cm/process-table';
import type { Journal, JournalFs, JournalState } from './journal.js';
import type { ProcessRecord, ProcessSpec, RestartHistory } from './record.js';
import type { RowEvent } from './transition.js';

export interface ProcessRegistryOptions {
  /** Created with mode 0700 when missing; its parents are not. One registry at a time may have it open. */
  readonly directory: string;
  readonly table: Pick<ProcessTable, 'lookup' | 'list'>;
  /** Default: 16 random bytes in hexadecimal. */
  readonly createCookie?: (id: string) => string;
  readonly clock?: Clock;
  readonly fs?: JournalFs;
  /** How many changes the journal takes before it is folded into the snapshot: see `openJournal`. Default 1000. */
  readonly compactAfter?: number;
  /** Pids that are never anybody's child. Default: this process and its parent. */
  readonly protectedPids?: () => readonly number[];
}

export interface Registration {
  readonly identity: ProcessIdentity;
  /** Only when the group was created for this process. */
  readonly pgid?: number;
  /** Its ends of the pipes that were made for it. */
  readonly lineage?: readonly string[];
  /** It was running before; we did not start it. Default false. */
  readonly adopted?: boolean;
  /** Its standard streams belong to somebody else. Default false. */
  readonly attached?: boolean;
  readonly containment: string;
}

export interface RestartIntent {
  readonly restarts: RestartHistory;
  readonly cookie?: string;
  readonly cgroup?: string;
}

export interface RegistryChange {
  readonly type: 'added' | 'changed' | 'removed';
  readonly row: ProcessRecord;
}

export interface RecoveredRow {
  readonly row: ProcessRecord;
  /**
   * Of the row's own process. `reused`: it is dead, and its pid belongs to a stranger. An intent without a pid is `alive`
   * when somebody carries its cookie, else `dead`.
   */
  readonly status: 'alive' | 'dead' | 'reused' | 'unknown';
  /** Unless it is alive by its identity: the living processes that carry its cookie. */
  readonly found: readonly ProcessRow[];
}

/**
 * The child processes that were started, in start order. Changes are on disk when they are visible, except that the end of
 * a process is believed even when it cannot be written (then `state()` is degraded, and it is written as soon as possible).
 */
export interface ProcessRegistry extends AsyncDisposable {
  /**
   * Writes the intent, before the spawn: the row is on disk when this returns, with the cookie that the process must be given.
   * Throws ProcessRegistryError `duplicate` (a live row of the same session and name), `bad-value`, `write-failed`, `closed`.
   */
  prepare(spec: ProcessSpec, options?: { readonly cookie?: string }): ProcessRecord;
  /**
   * Writes who the process is, after the spawn. When this throws, the process must be stopped: it is not on record.
   * Throws ProcessRegistryError `unknown-row`, `row-ended`, `bad-pid`, `duplicate`, `bad-value`, `write-failed`, `closed`.
   */
  register(id: string, registration: Registration): ProcessRecord;
  /**
   * Writes the intent to start an ended row again: id, name and spec stay; cookie, order and start time are new, and what was
   * known of the former process is forgotten. The row is on disk when this returns.
   * Throws ProcessRegistryError `unknown-row`, `duplicate` (it has not ended, or another live row has taken its name),
   * `bad-value`, `write-failed`, `closed`.
   */
  prepareRestart(id: string, restart: RestartIntent): ProcessRecord;
  /** The row after the event, or `undefined` when there is none of this id. Throws `closed`, never for a full disk. */
  transition(
    id: string,
    event: Exclude<RowEvent, { type: 'registered' | 'restart-intended' }>,
    details?: { readonly stderrTail?: string },
  ): ProcessRecord | undefined;
  /** Forgets a row. An unknown id is harmless, and said. Throws `closed`, never for a full disk. */
  unregister(id: string): { readonly removed: boolean };
  get(id: string): ProcessRecord | undefined;
  getAll(): ProcessRecord[];
  getBySession(sessionId: string): ProcessRecord[];
  /** The live row of this pid if there is one, else the latest. */
  getByPid(pid: number): ProcessRecord | undefined;
  /**
   * Forgets the rows whose process is proven dead, and returns them. Rows of unknown identity and intents stay, and so do
   * those that `spare` holds back, for instance because members of their group live on.
   */
  pruneDeadEntries(options?: { readonly spare?: (row: ProcessRecord) => boolean }): Promise<ProcessRecord[]>;
  /** Compares every row with the processes of this machine, for a worker that has just started. Changes nothing. */
  recover(): Promise<RecoveredRow[]>;
  /** Called after each change, in order; what it throws is ignored. Returns how to end it. */
  subscribe(listener: (change: RegistryChange) => void): () => void;
  state(): JournalState;
  readonly recovered: Journal<ProcessRecord>['recovered'];
  files(): { readonly path: string; readonly bytes: number }[];
  /** Nothing is written afterwards: changes throw `closed`, so that a predecessor cannot undo its successor's work. */
  close(): Promise<void>;
}
