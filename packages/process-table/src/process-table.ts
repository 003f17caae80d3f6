import type { ProcessIdentity } from './identity.js';

/** One process as seen in one look. */
export interface ProcessRow {
  readonly identity: ProcessIdentity;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  /** A zombie has ended and waits for its parent: it is never alive. */
  readonly state: 'running' | 'stopped' | 'zombie';
  /** The kernel's short name of the program, at most 15 characters on Linux; a path on macOS and Solaris, a file name on Windows. */
  readonly command: string;
  /** The scope cookie in its environment, where it was asked for and could be read. */
  readonly cookie?: string;
  /** Which of the descriptors that were asked for it holds open; left out where it holds none, or where that may not be read. */
  readonly holds?: readonly string[];
}

export type Lookup =
  | { readonly status: 'alive'; readonly process: ProcessRow }
  /** It has ended, but its parent has not asked how: its row can still be read. */
  | { readonly status: 'dead'; readonly reason: 'zombie'; readonly process: ProcessRow }
  | { readonly status: 'dead'; readonly reason: 'gone' | 'reused' | 'earlier-boot' }
  | { readonly status: 'unknown'; readonly reason: string };

/**
 * What became of one signal.
 *
 * - `sent`: the process was the one meant, a moment before the signal went out (see the package's README on that moment).
 * - `gone`: it had already ended. `foreign`: its pid belongs to another process now; nothing was sent.
 * - `refused`: it is a process that nobody here may signal (pid 0 and 1, this process, its parent), or the kernel said EPERM.
 * - `unknown`: its identity could not be established; nothing was sent.
 */
export interface SignalResult {
  readonly outcome: 'sent' | 'gone' | 'foreign' | 'refused' | 'unknown';
  readonly reason?: string;
}

export interface ListOptions {
  /** Also read each process's environment for its scope cookie. Default false. */
  readonly cookies?: boolean;
  /**
   * Also say which of these each process holds open, in the words of `openDescriptors`: `socket:[4711]`, `pipe:[42]`. A descendant
   * that kept a pipe made for its ancestor shows by it, whatever it did to its environment, group and parents. Asked for together
   * with cookies, it is left out of those who carry one: they have said whose they are.
   */
  readonly descriptors?: ReadonlySet<string>;
  /** Cookies and descriptors need be read only of processes that did not start before this one: nobody older descends from it. */
  readonly since?: ProcessIdentity;
  /** Is told each row in the same tick in which it was read: what hops away within a millisecond can be signalled only there. */
  readonly onRow?: (row: ProcessRow) => void;
}

/** What a set of processes uses. */
export interface Usage {
  /** How many of them were alive. */
  readonly processes: number;
  /** Processor time, user and system, since each started. Milliseconds; the children they have waited for are not counted. */
  readonly cpuMs: number;
  /** Resident memory, bytes. Pages that several of them share are counted for each. */
  readonly memoryBytes: number;
}

/**
 * What the operating system knows about processes, as a narrow port. Consumers take the part they use:
 * `Pick<ProcessTable, 'lookup'>`.
 *
 * Every method rejects with a `ProcessTableError` of code `unsupported-platform` where there is no adapter. Where a process
 * cannot be read for lack of descriptors or memory, or because the program that is asked fails, `identify`, `lookup`, `signal` and
 * `signalGroup` answer `unknown` and the others reject with `unreadable-proc`, `ps-failed` or `cim-failed`.
 */
export interface ProcessTable {
  /** Who has this pid now? For pids outside 1 … 2^31 − 1 the answer is `dead`. */
  identify(pid: number): Promise<Lookup>;
  /** Is the process of this identity alive? */
  lookup(identity: ProcessIdentity): Promise<Lookup>;
  /** Every process that can be seen, in pid order. */
  list(options?: ListOptions): Promise<ProcessRow[]>;
  /** The living descendants of a living process, parents before children. */
  descendants(identity: ProcessIdentity): Promise<ProcessRow[]>;
  /** The living members of a process group. */
  groupMembers(pgid: number): Promise<ProcessRow[]>;
  /** The living processes whose environment holds this scope cookie (the whole value of `CM_SCOPE`). */
  findByCookie(cookie: string): Promise<ProcessRow[]>;
  /** What each open descriptor of a process points at, by number; `undefined` where that may not be read. */
  openDescriptors(identity: ProcessIdentity): Promise<ReadonlyMap<number, string> | undefined>;
  /** The arguments a process was started with, for display; empty where they may not be read. ps splits at blanks, Windows not at all. */
  commandLine(identity: ProcessIdentity): Promise<string[]>;
  /** Sends a signal to the process of this identity, or to nobody. Never rejects for what the process does. Windows knows SIGTERM and SIGKILL. */
  signal(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<SignalResult>;
  /**
   * Sends a signal to the process group that this process leads, all at once, or to nobody: only while the leader, alive or a
   * zombie, proves that the group's number is still its own. A group that holds this process or its parent is `refused`.
   */
  signalGroup(leader: ProcessIdentity, signal: NodeJS.Signals): Promise<SignalResult>;
  /** What these processes use together, those that have ended left out. */
  usage(identities: readonly ProcessIdentity[]): Promise<Usage>;
}
