/**
 * Who a process is, for as long as this machine keeps its word. A pid alone is a number that the kernel hands out
 * again; the start token tells two holders of one pid apart; boot id, machine id and PID namespace say where and
 * since when the number meant anything at all.
 *
 * An empty string stands for "could not be read" and never equals anything, itself included.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /**
   * Linux: field 22 of `/proc/PID/stat`, clock ticks since boot, as text (proc(5)). Windows: the creation time in units of 100 ns, exact to the microsecond.
   * Elsewhere: seconds since the epoch (`lstart` of ps), or `~` and seconds since boot where only the elapsed time is known.
   */
  readonly startToken: string;
  /** Linux: `/proc/sys/kernel/random/boot_id`, shared by the containers of one host. `~` and a time where no system call names the boot. */
  readonly bootId: string;
  /** `/etc/machine-id`, the hardware's or the installation's id, or empty. */
  readonly machineId: string;
  /** Linux: the link text of `/proc/self/ns/pid`, such as `pid:[4026531836]`. Elsewhere a constant. */
  readonly pidNs: string;
  /**
   * The scope cookie it was started with, where a scope started it. Start tokens are as coarse as the kernel's ticks (10 ms on Linux):
   * a pid that is handed out again within one is told apart by this alone. Only `lookup` and `signal` ask for it.
   */
  readonly cookie?: string;
}

/** `unknown` never authorises a signal and never proves a death. */
export type IdentityMatch = 'same' | 'different' | 'unknown';

const known = (a: string, b: string): boolean => a !== '' && b !== '';

/** Tokens that begin with `~` are seconds worked out from two clocks read one after the other. This far apart they are still the same. */
const TOLERANCE_S = 2;

/** Seconds of an approximate token; undefined for an exact one. */
const approximate = (token: string): number | undefined => (token.startsWith('~') ? Number(token.slice(1)) : undefined);

/**
 * Compares two tokens, exact or approximate. An exact and an approximate one come from different sources: `unknown`. So are two
 * approximate ones just beyond the tolerance, which a slow clock reading can explain.
 */
export const compareToken = (recorded: string, observed: string): IdentityMatch => {
  if (!known(recorded, observed)) return 'unknown';
  const [a, b] = [approximate(recorded), approximate(observed)];
  if (a === undefined && b === undefined) return recorded === observed ? 'same' : 'different';
  if (a === undefined || b === undefined) return 'unknown';
  const apart = Math.abs(a - b);
  if (apart <= TOLERANCE_S) return 'same';
  return apart > 2 * TOLERANCE_S ? 'different' : 'unknown';
};

/** As `compareToken`; but a boot time that is only approximate moves when somebody sets the clock, so it never proves another boot. */
const compareBoot = (recorded: string, observed: string): IdentityMatch => {
  const match = compareToken(recorded, observed);
  return match === 'different' && approximate(recorded) !== undefined ? 'unknown' : match;
};

/** Compares a recorded identity with an observed one. Total, pure, and `unknown` wherever one side could not be read. */
export const compareIdentity = (recorded: ProcessIdentity, observed: ProcessIdentity): IdentityMatch => {
  const boots = compareBoot(recorded.bootId, observed.bootId);
  if (boots === 'unknown') return 'unknown';
  const machines = known(recorded.machineId, observed.machineId);
  if (machines && recorded.machineId !== observed.machineId) return 'unknown';
  if (boots === 'different') {
    // An earlier boot of this very machine: nothing of it is left. Without a machine id it may be another machine.
    return machines ? 'different' : 'unknown';
  }
  if (!known(recorded.pidNs, observed.pidNs) || recorded.pidNs !== observed.pidNs) return 'unknown';
  if (recorded.pid !== observed.pid) return 'different';
  const starts = compareToken(recorded.startToken, observed.startToken);
  if (starts !== 'same') return starts;
  const cookies = recorded.cookie !== undefined && observed.cookie !== undefined;
  return cookies && recorded.cookie !== observed.cookie ? 'different' : 'same';
};

/** What is known of the process that has a pid now, beside its identity. */
export interface CookieEvidence {
  /** The cookie in its environment; undefined where it carries none. */
  readonly cookie: string | undefined;
  /** It is a child of this process that has not been waited for: nobody else can have its pid. */
  readonly ownChild: boolean;
}

/**
 * Whether a process of the right pid and start token is also the one that carried the cookie. A process may drop its environment
 * (`env -i`), so an absent cookie proves nothing, neither way; another cookie is another process.
 */
export const compareCookie = (recorded: ProcessIdentity, { cookie, ownChild }: CookieEvidence): IdentityMatch => {
  if (recorded.cookie === undefined || recorded.cookie === cookie || ownChild) return 'same';
  return cookie === undefined ? 'unknown' : 'different';
};

/** The largest pid Linux hands out is 2^22 (proc(5), pid_max); other systems stay below 2^31. */
const LARGEST_PID = 2 ** 31 - 1;

/** Whether a value can be the pid of a process somebody may name: a whole number from 2 to 2^31 − 1. */
export const isTargetPid = (pid: unknown): pid is number =>
  typeof pid === 'number' && Number.isInteger(pid) && pid > 1 && pid <= LARGEST_PID;
