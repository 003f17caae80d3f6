import { isTargetPid, type ProcessIdentity } from '@cm/process-table';
import { ROW_STATUSES, type RowStatus } from './transition.js';

/** What is known before a process is started. */
export interface ProcessSpec {
  /** Unique among the live rows of its session. */
  readonly name: string;
  /** An opaque text; empty: shared by all sessions. */
  readonly sessionId: string;
  readonly type: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly restart: 'permanent' | 'transient' | 'temporary';
  readonly stopSignal: string;
  /** Milliseconds between the stop signal and SIGKILL. */
  readonly graceMs: number;
  /** Milliseconds to wait for the end after SIGKILL. */
  readonly killWaitMs: number;
  readonly onWorkerDeath: 'kill' | 'keep';
  /** The names of the variables it is given; values are never written down. */
  readonly envKeys: readonly string[];
  /** The directory of the cgroup that is made for it alone; on record before it exists. */
  readonly cgroup?: string;
}

export const STDERR_TAIL_BYTES = 4096;

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** `asked`: after a stop was asked for. `crashed`: unasked, whatever the code. `lost`: it ended while nobody looked. */
  readonly reason: 'asked' | 'crashed' | 'lost';
}

/** How often a row was started again, for whoever decides whether it is once more. */
export interface RestartHistory {
  /** All of them. */
  readonly count: number;
  /** When the latest ones were, milliseconds since the epoch, oldest first. */
  readonly at: readonly number[];
  /** How many times in a row there were too many of them. */
  readonly storms: number;
}

export interface ProcessRecord extends ProcessSpec {
  /** Sortable by time, unique across restarts, safe as a file name. */
  readonly id: string;
  /** The value of `CM_SCOPE` in its environment. */
  readonly cookie: string;
  readonly status: RowStatus;
  /** Start order: a later row has a greater number. */
  readonly order: number;
  /** ISO 8601, when the row was written. */
  readonly startedAt: string;
  readonly identity?: ProcessIdentity;
  /** Its process group, only when we created it. */
  readonly pgid?: number;
  /** Its ends of the pipes that were made for it, in the words of `ProcessTable.openDescriptors`. */
  readonly lineage?: readonly string[];
  readonly adopted: boolean;
  readonly attached: boolean;
  readonly containment: string;
  readonly exit?: ProcessExit;
  /** The end of what it wrote to its standard error, at most {@link STDERR_TAIL_BYTES}. */
  readonly stderrTail?: string;
  /** Absent: never started again. */
  readonly restarts?: RestartHistory;
}

type Check = (value: unknown) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const text: Check = (value) => typeof value === 'string';
const filled: Check = (value) => typeof value === 'string' && value !== '';
const flag: Check = (value) => typeof value === 'boolean';
const duration: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const wholeNumber: Check = (value) => Number.isSafeInteger(value);
const oneOf =
  (...allowed: readonly unknown[]): Check =>
  (value) =>
    allowed.includes(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const shape =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(checks).every(([key, check]) => check(value[key]));

const IDENTITY: Record<keyof ProcessIdentity, Check> = {
  pid: isTargetPid,
  startToken: text,
  bootId: text,
  machineId: text,
  pidNs: text,
  cookie: optional(text),
};

const EXIT: Record<keyof ProcessExit, Check> = {
  code: orNull(wholeNumber),
  signal: orNull(filled),
  reason: oneOf('asked', 'crashed', 'lost'),
};

const RESTARTS: Record<keyof RestartHistory, Check> = {
  count: wholeNumber,
  at: listOf(wholeNumber),
  storms: wholeNumber,
};

const RECORD: Record<keyof ProcessRecord, Check> = {
  id: filled,
  name: text,
  sessionId: text,
  type: text,
  command: text,
  args: listOf(text),
  cwd: text,
  restart: oneOf('permanent', 'transient', 'temporary'),
  stopSignal: filled,
  graceMs: duration,
  killWaitMs: duration,
  onWorkerDeath: oneOf('kill', 'keep'),
  // A whole `KEY=value` in here would put a secret on disk.
  envKeys: listOf((key) => typeof key === 'string' && !key.includes('=')),
  cgroup: optional(filled),
  cookie: filled,
  status: oneOf(...ROW_STATUSES),
  order: wholeNumber,
  startedAt: filled,
  identity: optional(shape(IDENTITY)),
  pgid: optional(isTargetPid),
  lineage: optional(listOf(text)),
  adopted: flag,
  attached: flag,
  containment: text,
  exit: optional(shape(EXIT)),
  stderrTail: optional(text),
  restarts: optional(shape(RESTARTS)),
};

const NEEDS_IDENTITY: readonly unknown[] = ['running', 'lost'] satisfies RowStatus[];

const isRecord = (value: unknown): value is ProcessRecord =>
  isObject(value) && shape(RECORD)(value) && (value.identity !== undefined || !NEEDS_IDENTITY.includes(value.status));

/** A row as it was kept, or `undefined` for anything else: a row with a bad pid in it is no row. */
export const parseRecord = (value: unknown): ProcessRecord | undefined => (isRecord(value) ? value : undefined);

/** Who the process of a row is, its cookie included where it was started with it: what was running before carries somebody else's, or none. */
export const identityOfRow = ({ identity, cookie, adopted, attached }: ProcessRecord): ProcessIdentity | undefined =>
  identity === undefined || (adopted && !attached) ? identity : { ...identity, cookie };
