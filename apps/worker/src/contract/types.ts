import type { RecordedEvent } from './spooled-event.js';

/** Every error body. Codes are stable and upper-case; messages are for people and may change. */
export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly details?: unknown };
}

export interface HealthBody {
  readonly status: 'ok' | 'degraded' | 'failed';
  readonly version: string;
  readonly protocol: number;
  readonly pid: number;
  readonly instanceId: string;
  readonly uptimeSeconds: number;
}

export interface ReadinessBody {
  readonly status: 'ready' | 'initializing' | 'stopping' | 'failed';
}

export interface HandshakeBody {
  readonly worker: string;
  readonly protocol: number;
  readonly status: ReadinessBody['status'];
}

/** A process as the API shows an owner: enough to recognise it. */
export interface OwnerView {
  readonly pid: number;
  readonly startToken: string;
  readonly command?: string;
}

export interface SessionView {
  readonly id: string;
  readonly state: 'active' | 'ending' | 'ended';
  readonly owner: OwnerView | null;
  readonly agent: string | null;
  readonly cwd: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
  readonly lastSeenAt: string;
  readonly endedAt: string | null;
  /** What ended it: `hook`, `api`, `owner-gone`. */
  readonly endReason: string | null;
  readonly processes: number;
}

export interface ProcessView {
  readonly id: string;
  readonly name: string;
  readonly pid: number | null;
  readonly pgid: number | null;
  readonly sessionId: string;
  readonly type: string;
  readonly status: string;
  readonly startedAt: string;
  readonly containment: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly adopted: boolean;
  readonly restart: string;
  /** How often it was started again. */
  readonly restarts: number;
  /** When it is started again (ISO 8601), or as soon as there is a slot after that; null: it does not wait for a restart. */
  readonly restartAt: string | null;
  /** It was started again too often, and pauses until then. */
  readonly restartStorm: boolean;
  /** The time of its restart has come, but every slot is taken. */
  readonly restartWaitsForSlot: boolean;
  readonly exit: { readonly code: number | null; readonly signal: string | null; readonly reason: string } | null;
  /** The pids of every living member of its scope, its leader included. */
  readonly members: readonly number[];
  /** What they use together, where it was asked for: processor time since each started, resident memory. */
  readonly usage?: { readonly cpuMs: number; readonly memoryBytes: number };
}

export interface ReportTarget {
  readonly id: string;
  readonly pid: number;
  readonly outcome: 'exited' | 'killed' | 'survived' | 'escaped' | 'gone' | 'foreign' | 'unknown';
  readonly members: readonly number[];
  readonly signals: readonly { readonly signal: string; readonly atMs: number; readonly to: number }[];
  readonly durationMs: number;
}

/** What a stop did, target by target. */
export interface StopReport {
  readonly ok: boolean;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly targets: readonly ReportTarget[];
  readonly survivors: readonly { readonly id: string; readonly pid: number }[];
  readonly escaped: readonly { readonly id: string; readonly pid: number }[];
}

export interface CheckView {
  readonly id: string;
  readonly status: 'pass' | 'warn' | 'fail';
  readonly detail: string;
  readonly fix?: string;
}

export interface DoctorBody {
  readonly supervisor: {
    readonly running: boolean;
    readonly state: string;
    readonly pid: number | null;
    readonly instanceId: string | null;
    readonly startedAt: string | null;
    readonly uptimeSeconds: number | null;
    readonly port: number | null;
    readonly dataDir: string;
  };
  readonly claim: { readonly status: 'held' | 'free' | 'unknown'; readonly by: number | null; readonly detail: string };
  readonly pidFile: { readonly status: string; readonly pid: number | null; readonly holder: string | null };
  readonly containment: { readonly tier: string; readonly why: string; readonly canMiss: readonly string[] };
  readonly guardian: {
    readonly status: 'absent' | 'running' | 'lost';
    readonly pid?: number;
    readonly detail: string;
  };
  readonly processes: readonly ProcessView[];
  readonly sessions: readonly SessionView[];
  readonly health: {
    readonly deadProcessPids: readonly number[];
    readonly survivors: readonly number[];
    readonly envClean: boolean;
    readonly strippedKeys: readonly string[];
    readonly checks: readonly CheckView[];
  };
  readonly spool: { readonly depth: number; readonly bytes: number; readonly lastError: string | null };
  readonly hooks: {
    readonly lastEventAt: string | null;
    readonly p95Ms: number | null;
    readonly lastError: string | null;
  };
  readonly storage: {
    readonly registry: { readonly status: string; readonly bytes: number; readonly quarantined: readonly string[] };
    readonly events: { readonly bytes: number; readonly rows: number };
  };
  readonly versions: {
    readonly worker: string | null;
    readonly artifact: string;
    readonly protocol: number;
    readonly node: string;
  };
}

export interface EventsBody {
  readonly events: readonly RecordedEvent[];
}
