/** A longer delay makes Node's timers fire at once (timers, "When delay is larger than 2147483647"). */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** A delay that a timer keeps: never longer than about 24.8 days; what is not a positive number becomes 0. */
export const timerDelay = (ms: number): number => (ms > 0 ? Math.min(ms, LONGEST_DELAY_MS) : 0);
