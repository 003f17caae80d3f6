/**
 * What a hook may spend. The host waits for it, and for some events the user waits for the host.
 */

/**
 * Stdin is read for this long when no value becomes complete: the host left it open (field failure 76). Start, reading and
 * writing together stay below one second. There is no shorter bound for silence: a host that is busy starting twenty hooks
 * is silent for a while, before the first byte and between two, and giving up on it loses an event.
 */
const STDIN_MS = 800;

/** This process took long to start: so many times as long may its host take to write on so busy a machine. */
const STDIN_PATIENCE = 10;

/** What a busy machine may stretch the bound to. */
const STDIN_LONGEST_MS = 3_000;

/** How long to wait for stdin, given how long this process took to start, both in milliseconds. */
export const stdinBudgetMs = (startedInMs: number): number =>
  Math.min(STDIN_LONGEST_MS, Math.max(STDIN_MS, startedInMs * STDIN_PATIENCE));

/** The largest payload that is handed over whole, in bytes. The worker reads bodies of at most 5 MB. */
export const PAYLOAD_LIMIT_BYTES: number = 4 * 1024 * 1024;

/** How much of a value is kept when its payload had to be cut, in bytes. */
export const CUT_VALUE_BYTES: number = 64 * 1024;

/** All that is kept of a cut payload, in bytes. */
export const CUT_PAYLOAD_BYTES: number = 1024 * 1024;

/** From the end of reading to the exit of a hook that waits for nobody. */
export const HOT_PATH_MS: number = 250;

/**
 * From the start of the process to the exit of a hook that waits for the worker: 5 s in all, less what the start of Node
 * took before its clock ran and what leaving takes.
 */
export const ENSURE_PATH_MS: number = 4_700;

/** More files than this in `spool/new`: nobody takes them, and a further one is dropped. */
export const SPOOL_LIMIT_FILES: number = 10_000;

/** An event of at least this size is large: those are bounded by their sum, the others by their number. */
export const LARGE_EVENT_BYTES: number = 64 * 1024;

/** The sum of the spool above which large events are dropped. */
export const SPOOL_LIMIT_BYTES: number = 256 * 1024 * 1024;

/** When the log of the hooks would grow beyond this, its older half goes. */
export const HOOK_LOG_LIMIT_BYTES: number = 256 * 1024;

/** Starts that left no worker, each within this time of the one before, count together. */
export const BREAKER_WINDOW_MS: number = 60_000;

/** So many of them, and hooks try once a window, until a worker is seen to live. */
export const BREAKER_LIMIT: number = 3;

/** A started worker that lives but has not published its PID file is taken to be booting for this long. */
export const BOOT_MS: number = 30_000;
