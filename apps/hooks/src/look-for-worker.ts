import { peek, readPidFile } from '@cm/pid-file/read';
import type { DataDirectory } from '@cm/worker/contract';
import { consultBreaker, forgetAttempts, isRunning, readAttempt } from './spawn-attempt.js';

export type Sighting =
  /** Its PID file names a process that lives, or one of which nothing can be known. */
  | { readonly status: 'there' }
  | { readonly status: 'booting' }
  /** None, and the last attempts to start one all failed. */
  | { readonly status: 'breaker-open' }
  /** None, and one may be started. `failures`: attempts before that left none. */
  | { readonly status: 'absent'; readonly failures: number };

/** One cheap look: a few small reads, no network, no lock. That a worker lives says nothing of whether it answers. */
export const lookForWorker = (dataDirectory: DataDirectory, nowMs: number): Sighting => {
  const reading = readPidFile(dataDirectory.pidFile);
  const named = reading.status === 'found' ? reading.record : undefined;
  const life = named === undefined ? 'dead' : peek(named);
  if (life === 'alive') forgetAttempts(dataDirectory);
  if (life !== 'dead') return { status: 'there' };
  const last = readAttempt(dataDirectory);
  // An attempt whose worker published its PID file did not fail, whatever ended that worker later.
  const attempt = last === undefined || last.pid === named?.pid ? undefined : last;
  const breaker = consultBreaker(attempt, nowMs, attempt !== undefined && isRunning(attempt));
  switch (breaker.status) {
    case 'closed':
      return { status: 'absent', failures: breaker.failures };
    case 'booting':
      return { status: 'booting' };
    case 'open':
      return { status: 'breaker-open' };
  }
};
