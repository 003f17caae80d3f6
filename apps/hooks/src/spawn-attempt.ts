import { renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import type { DataDirectory } from '@cm/worker/contract';
import { fieldsOf } from './adapters/fields.js';
import { BOOT_MS, BREAKER_LIMIT, BREAKER_WINDOW_MS } from './budgets.js';
import { readSmallFile } from './read-small-file.js';
import { readStat } from './read-stat.js';

/** The last time a hook started the worker, as `spool/spawn-attempt.json` keeps it. */
export interface SpawnAttempt {
  /** Wall clock, in milliseconds: it outlives the process. */
  readonly atMs: number;
  /** 0 when nothing could be started. */
  readonly pid: number;
  /** Empty where it could not be read. */
  readonly startToken: string;
  /** How many attempts in a row before this one left no worker: each within 60 s of the next, or one a minute after three. */
  readonly failures: number;
}

export type Breaker =
  | { readonly status: 'closed'; readonly failures: number }
  /** The last one lives and will publish its PID file. */
  | { readonly status: 'booting' }
  /** Too many left no worker. */
  | { readonly status: 'open' };

/** Whether another start may be tried, given the last one. Pure. Asked only while no worker is to be seen. */
export const consultBreaker = (last: SpawnAttempt | undefined, nowMs: number, lives: boolean): Breaker => {
  if (last === undefined) return { status: 'closed', failures: 0 };
  const ageMs = nowMs - last.atMs;
  // A clock that was set back proves nothing about the attempt.
  if (ageMs < 0) return { status: 'closed', failures: 0 };
  if (lives && ageMs < BOOT_MS) return { status: 'booting' };
  const failures = last.failures + 1;
  if (ageMs < BREAKER_WINDOW_MS) return failures < BREAKER_LIMIT ? { status: 'closed', failures } : { status: 'open' };
  // After a pause one more is let through. Only a worker that is seen to live closes what was open.
  return { status: 'closed', failures: failures < BREAKER_LIMIT ? 0 : failures };
};

/** The last attempt, or undefined when there is none that can be read. */
export const readAttempt = ({ spawnAttempt }: DataDirectory): SpawnAttempt | undefined => {
  try {
    const { atMs, pid, startToken, failures } = fieldsOf(JSON.parse(readSmallFile(spawnAttempt, 4096) ?? ''));
    const attempt = {
      atMs: Number(atMs),
      pid: Number(pid),
      startToken: String(startToken),
      failures: Number(failures),
    };
    return attempt.atMs + attempt.pid + attempt.failures >= 0 ? attempt : undefined;
  } catch {
    return undefined;
  }
};

/** Whether the process of an attempt still runs. A later holder of its pid does not count. */
export const isRunning = ({ pid, startToken }: SpawnAttempt): boolean => {
  if (pid <= 1) return false;
  const glance = readStat(pid);
  return glance !== undefined && !glance.zombie && glance.startToken === startToken;
};

/** Remembers an attempt. To be called under the spawn lock; a failure to write is the caller's to note. */
export const rememberAttempt = (
  { spawnAttempt }: DataDirectory,
  { pid = 0, atMs, failures }: { pid: number | undefined; atMs: number; failures: number },
): void => {
  const attempt: SpawnAttempt = { atMs, pid, startToken: readStat(pid)?.startToken ?? '', failures };
  const temporary = `${spawnAttempt}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(attempt)}\n`, { mode: 0o600 });
  renameSync(temporary, spawnAttempt);
};

/** A worker runs: whatever failed before is over. */
export const forgetAttempts = ({ spawnAttempt }: DataDirectory): void => {
  try {
    if (statSync(spawnAttempt, { throwIfNoEntry: false }) !== undefined) unlinkSync(spawnAttempt);
  } catch {
    // Another hook was faster, or it stays until its window has passed.
  }
};
