import { dirname, resolve } from 'node:path';
import { isTargetPid, type ProcessIdentity, type ProcessTable } from '@cm/process-table';
import { errorCode } from './error-code.js';
import { inspectLook } from './inspect-pid-file.js';
import { acquireLock, type Lock } from './lock.js';
import { lookAtPidFile } from './look-at-pid-file.js';
import { createPidFileHandle, type PidFileHandle } from './pid-file-handle.js';
import type { PidRecord } from './pid-record.js';

export type PidFileAcquisition =
  /** `replaced`: the stale record that the first `update` will replace. */
  | { readonly status: 'acquired'; readonly handle: PidFileHandle; readonly replaced?: PidRecord }
  /** `lock`: the holder has not published, or no longer. `elsewhere`: on another machine, or in another container. */
  | {
      readonly status: 'held';
      readonly reason: 'running' | 'elsewhere' | 'lock';
      readonly holder?: PidRecord;
      readonly message: string;
    }
  /** `code`: an errno name, a code of the lock, or `unknown-identity`: this process could not be told from its successors. */
  | { readonly status: 'failed'; readonly code: string; readonly reason: string };

export interface AcquirePidFileOptions {
  readonly table: Pick<ProcessTable, 'identify' | 'lookup'>;
  /** Default: this one. */
  readonly platform?: NodeJS.Platform;
  /** For `startedAt`. */
  readonly now?: () => Date;
}

type Held = Extract<PidFileAcquisition, { status: 'held' }>;
type Failed = Extract<PidFileAcquisition, { status: 'failed' }>;
type Verdict = { readonly status: 'free'; readonly replaced?: PidRecord } | Held | Failed;

const failed = (code: string, reason: string): Failed => ({ status: 'failed', code, reason });

const describe = ({ pid, address, port, startedAt }: PidRecord): string =>
  `pid ${pid} at ${address}:${port}, started ${startedAt}`;

const running = (holder: PidRecord): Held => ({
  status: 'held',
  reason: 'running',
  holder,
  message: `already running: ${describe(holder)}`,
});

const elsewhere = (holder: PidRecord, path: string): Held => ({
  status: 'held',
  reason: 'elsewhere',
  holder,
  message: `in use from another machine or container (${describe(holder)}): stop the worker there; if you know that it no longer runs, remove ${path}`,
});

/** Somebody has the lock: who? A record that is proven not to be the holder's names nobody. */
const nameHolder = async (path: string, table: Pick<ProcessTable, 'lookup'>): Promise<Held> => {
  const seen = await inspectLook(lookAtPidFile(path), table, dirname(path));
  if (seen.status === 'alive') return running(seen.record);
  if (seen.status === 'unknown') return elsewhere(seen.record, path);
  return { status: 'held', reason: 'lock', message: 'another worker is starting or stopping' };
};

/** The lock is ours: does the file still forbid us to start? */
const judge = async (path: string, table: Pick<ProcessTable, 'lookup'>, self: ProcessIdentity): Promise<Verdict> => {
  const look = lookAtPidFile(path);
  // What cannot be looked at may name a living worker, and what cannot be replaced would fail later.
  if (look.status === 'invalid' && look.code !== undefined) {
    return failed(look.code, `${path} cannot be used: ${look.reason}`);
  }
  const seen = await inspectLook(look, table, dirname(path));
  if (seen.status === 'unknown') return elsewhere(seen.record, path);
  // A process never is a duplicate of itself.
  if (seen.status === 'alive' && seen.record.pid !== self.pid) return running(seen.record);
  return seen.status === 'stale' ? { status: 'free', replaced: seen.record } : { status: 'free' };
};

/** A record without these would be `unknown` for ever after this process has died, and refuse every successor. */
const identifySelf = async (table: Pick<ProcessTable, 'identify'>): Promise<ProcessIdentity | Failed> => {
  const found = await table.identify(process.pid);
  if (found.status !== 'alive') return failed('unknown-identity', `this process cannot be identified: ${found.reason}`);
  const { identity } = found.process;
  if (!isTargetPid(identity.pid)) {
    return failed(
      'unknown-identity',
      `pid ${identity.pid} cannot own a data directory: start it below an init process`,
    );
  }
  const blank = [identity.startToken, identity.bootId, identity.pidNs].includes('');
  return blank
    ? failed('unknown-identity', 'start token, boot id or PID namespace of this process is unreadable')
    : identity;
};

/** With the lock in hand. */
const claim = async (
  path: string,
  lock: Lock,
  options: Required<AcquirePidFileOptions>,
): Promise<PidFileAcquisition> => {
  const identity = await identifySelf(options.table);
  if ('status' in identity) return identity;
  const verdict = await judge(path, options.table, identity);
  if (verdict.status !== 'free') return verdict;
  const handle = createPidFileHandle({ path, identity, startedAt: options.now(), lock });
  return { status: 'acquired', handle, ...(verdict.replaced === undefined ? {} : { replaced: verdict.replaced }) };
};

/**
 * Claims the directory of a PID file for this process: first the kernel's lock, then a look at the file. Nothing is written but
 * `lock.key` until the handle's `update`. A refusal gives the lock back and leaves everything as it was. Never rejects.
 */
export const acquirePidFile = async (
  file: string,
  { table, platform = process.platform, now = () => new Date() }: AcquirePidFileOptions,
): Promise<PidFileAcquisition> => {
  // Absolute, because a daemon changes its working directory.
  const path = resolve(file);
  const locking = await acquireLock(dirname(path), 'claim', { platform });
  if (locking.status === 'failed') return locking;
  if (locking.status === 'held') return nameHolder(path, table);
  const result = await claim(path, locking.lock, { table, platform, now }).catch((error: unknown) =>
    failed(errorCode(error), error instanceof Error ? error.message : String(error)),
  );
  if (result.status !== 'acquired') await locking.lock.release();
  return result;
};
