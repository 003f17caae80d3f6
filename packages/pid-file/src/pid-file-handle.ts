import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import type { ProcessIdentity } from '@cm/process-table';
import { errorCode } from './error-code.js';
import { PidFileError } from './errors.js';
import type { Lock } from './lock.js';
import { checkRecord, type PidRecord } from './pid-record.js';
import { readPidFile } from './read.js';

/** What a worker knows only once it has bound its port. */
export type PidFileFields = Pick<PidRecord, 'port' | 'address' | 'version' | 'protocol' | 'dataDir'>;

/** The claim on a data directory, and the one way to write and to remove its PID file. */
export interface PidFileHandle extends AsyncDisposable {
  /** A random UUID of this acquisition. */
  readonly instanceId: string;
  /** Two times 32 random bytes, hexadecimal. */
  readonly proof: PidRecord['proof'];
  /** This process. */
  readonly identity: ProcessIdentity;
  /**
   * Publishes the file: written beside it with mode 0600, then renamed into place, so that a reader sees a whole record or the
   * one before. May be called again. Rejects with a `PidFileError`.
   */
  update(fields: PidFileFields): Promise<PidRecord>;
  /** Whether the published file is still the one written by `update`. */
  isStillMine(): boolean;
  /**
   * Removes the file if it is still this handle's, then gives the claim back. A successor's file is never touched. May be called
   * again, with the same answer. Never rejects: a file that could not be removed is `stale` once this process has ended.
   */
  release(): Promise<{ removed: boolean }>;
}

interface Holding {
  readonly path: string;
  readonly identity: ProcessIdentity;
  readonly startedAt: Date;
  readonly lock: Lock;
}

/** Synchronous throughout: neither a second `update` nor a `release` can come between the steps. */
const publish = (path: string, record: PidRecord): void => {
  const temporary = `${path}.${record.instanceId}`;
  try {
    const descriptor = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(descriptor, `${JSON.stringify(record, null, 2)}\n`);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new PidFileError('publish-failed', `${path} could not be written: ${errorCode(error)}`, { cause: error });
  }
};

export const createPidFileHandle = ({ path, identity, startedAt, lock }: Holding): PidFileHandle => {
  const instanceId = randomUUID();
  const proof = { client: randomBytes(32).toString('hex'), worker: randomBytes(32).toString('hex') };
  let released: Promise<{ removed: boolean }> | undefined;

  const isStillMine = (): boolean => {
    const reading = readPidFile(path);
    return reading.status === 'found' && reading.record.instanceId === instanceId;
  };

  const removeOwn = (): boolean => {
    if (!isStillMine()) return false;
    try {
      unlinkSync(path);
      return true;
    } catch {
      return false;
    }
  };

  const letGo = async (): Promise<{ removed: boolean }> => {
    // The lock is still ours here, so nobody can rightfully have put a file in place between the look and the removal.
    const removed = removeOwn();
    await lock.release();
    return { removed };
  };

  const release = (): Promise<{ removed: boolean }> => {
    released ??= letGo();
    return released;
  };

  return {
    instanceId,
    proof,
    identity,
    update: async ({ port, address, version, protocol, dataDir }) => {
      if (released !== undefined) throw new PidFileError('released', `${path} is no longer claimed by this handle`);
      const { pid, startToken, bootId, machineId, pidNs } = identity;
      const check = checkRecord({
        schema: 1,
        ...{ pid, startToken, bootId, machineId, pidNs },
        ...{ port, address, version, protocol, dataDir },
        startedAt: startedAt.toISOString(),
        instanceId,
        proof,
      });
      if (!check.ok) throw new PidFileError('invalid-record', `no reader would accept this record: ${check.reason}`);
      publish(path, check.record);
      return check.record;
    },
    isStillMine,
    release,
    [Symbol.asyncDispose]: async () => {
      await release();
    },
  };
};
