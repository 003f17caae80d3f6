import { join } from 'node:path';
import { type AppendFile, openAppendFile } from './append-file.js';
import { errnoOf, isJournalError, JournalError, reasonOf } from './errors.js';
import { type JournalFs, nodeJournalFs } from './file-system.js';
import type { Change } from './format.js';
import { encodeChange } from './lines.js';
import { replay } from './replay.js';
import { encodeSnapshot } from './snapshot.js';
import { quarantine, removeQuietly, replaceFile } from './write-file.js';

export interface JournalOptions<T> {
  /** Created with mode 0700 when missing; its parents are not. */
  readonly directory: string;
  /** The files are `<name>.snapshot.json` and `<name>.journal`. */
  readonly name: string;
  /** Returns the value as it is to be kept, or `undefined` to refuse it. Asked on `put` and when files are read. */
  readonly validate: (value: unknown) => T | undefined;
  /** The file system. Default: this machine's. */
  readonly fs?: JournalFs;
  /** The journal is folded into the snapshot when it has more lines than this and than twice the number of rows. Default 1000. */
  readonly compactAfter?: number;
  /** Milliseconds since the epoch, for the names of quarantined files. */
  readonly now?: () => number;
}

export type JournalState = { readonly status: 'ok' } | { readonly status: 'degraded'; readonly reason: string };

/** A map in insertion order whose changes survive the SIGKILL of its process. One process at a time may have it open. */
export interface Journal<T> {
  readonly size: number;
  get(key: string): T | undefined;
  /** The rows as they are now; later changes do not show. */
  entries(): IterableIterator<[string, T]>;
  /** Durable when it returns. Throws JournalError `write-failed`, `bad-value` or `closed`; the map is then as before. */
  put(key: string, value: T): void;
  /** Durable when it returns; false, and nothing written, when there is no such key. Throws as `put` does. */
  delete(key: string): boolean;
  /** `degraded` from a failed write until one succeeds. */
  state(): JournalState;
  readonly recovered: {
    /** Files that keep what could not be used. */
    readonly quarantined: readonly string[];
    /** Records that could not be used. */
    readonly dropped: number;
    /** Bytes of writes that never ended. */
    readonly tornBytes: number;
  };
  files(): { readonly path: string; readonly bytes: number }[];
  /** Later changes throw `closed`; reading goes on. */
  close(): void;
}

const ensureDirectory = (fs: JournalFs, path: string): void => {
  try {
    fs.makeDirectory(path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
};

/**
 * Opens a durable map, repairing what a crash or a damaged disk left behind.
 *
 * Rejects with JournalError `newer-schema` (files untouched) or `open-failed`.
 */
export const openJournal = async <T>(options: JournalOptions<T>): Promise<Journal<T>> => {
  try {
    return open(options);
  } catch (error) {
    if (isJournalError(error)) throw error;
    throw new JournalError('open-failed', `cannot open ${options.name} in ${options.directory}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
};

const open = <T>({
  directory,
  name,
  validate,
  fs = nodeJournalFs,
  compactAfter = 1000,
  now = Date.now,
}: JournalOptions<T>): Journal<T> => {
  const snapshotPath = join(directory, `${name}.snapshot.json`);
  const journalPath = join(directory, `${name}.journal`);
  ensureDirectory(fs, directory);

  const found = replay(fs.read(snapshotPath), fs.read(journalPath) ?? Buffer.alloc(0), validate);
  if (found.status === 'newer-schema') {
    const path = found.file === 'snapshot' ? snapshotPath : journalPath;
    throw new JournalError('newer-schema', `${path} has schema ${found.schema}, newer than this version reads`);
  }

  const stamp = new Date(now()).toISOString().replace(/[:.]/g, '-');
  const setAside = (path: string, chunks: readonly Buffer[]): string[] =>
    chunks.length === 0 ? [] : [quarantine(fs, path, stamp, Buffer.concat(chunks))];
  const quarantined = [
    ...setAside(snapshotPath, found.corrupt.snapshot),
    ...setAside(journalPath, found.corrupt.journal),
  ];

  const { entries } = found;
  const file: AppendFile = openAppendFile(fs, journalPath, found.wholeBytes);
  removeQuietly(fs, `${snapshotPath}.tmp`);
  let { sequence, lines } = found;
  let closed = false;
  let writeFailure: string | undefined;
  let compactionFailure: string | undefined;
  let compactAt = 0;

  const threshold = (): number => Math.max(compactAfter, 2 * entries.size);

  /** Each half is harmless without the other: the snapshot says which changes it holds, and those are skipped. */
  const compact = (): void => {
    try {
      replaceFile(fs, snapshotPath, encodeSnapshot(entries, sequence));
      file.clear();
      lines = 0;
      compactAt = 0;
      compactionFailure = undefined;
    } catch (error) {
      // Nothing is lost, the journal only grows. Tried again after a part of the usual number of changes, never at each.
      compactAt = lines + Math.ceil(threshold() / 8);
      compactionFailure = `cannot compact ${journalPath}: ${reasonOf(error)}`;
    }
  };

  const write = (change: Change): void => {
    let line: string;
    try {
      line = encodeChange(change);
    } catch (error) {
      throw new JournalError('bad-value', `the value of ${change.key} is not JSON: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    // Spent even when the write fails: whatever the failed write left on disk never shadows the next change.
    sequence = change.sequence;
    try {
      file.append(line);
    } catch (error) {
      writeFailure = `cannot write ${journalPath}: ${reasonOf(error)}`;
      throw new JournalError('write-failed', writeFailure, { cause: error });
    }
    writeFailure = undefined;
    lines += 1;
  };

  const compactWhenDue = (): void => {
    if (lines > Math.max(threshold(), compactAt)) compact();
  };

  const assertOpen = (): void => {
    if (closed) throw new JournalError('closed', `${journalPath} was closed`);
  };

  // Otherwise the same damage would be found, and set aside, at every start.
  if (quarantined.length > 0) compact();
  else compactWhenDue();

  return {
    get size() {
      return entries.size;
    },
    get: (key) => entries.get(key),
    entries: () => [...entries][Symbol.iterator](),
    put: (key, value) => {
      assertOpen();
      const accepted = validate(value);
      if (accepted === undefined) throw new JournalError('bad-value', `the value of ${key} was refused`);
      write({ sequence: sequence + 1, key, operation: { type: 'put', value: accepted } });
      entries.set(key, accepted);
      compactWhenDue();
    },
    delete: (key) => {
      assertOpen();
      if (!entries.has(key)) return false;
      write({ sequence: sequence + 1, key, operation: { type: 'delete' } });
      entries.delete(key);
      compactWhenDue();
      return true;
    },
    state: () => {
      const reason = writeFailure ?? compactionFailure;
      return reason === undefined ? { status: 'ok' } : { status: 'degraded', reason };
    },
    recovered: { quarantined, dropped: found.dropped, tornBytes: found.tornBytes },
    files: () =>
      [snapshotPath, journalPath].flatMap((path) => {
        const bytes = fs.sizeOf(path);
        return bytes === undefined ? [] : [{ path, bytes }];
      }),
    close: () => {
      if (closed) return;
      closed = true;
      file.close();
    },
  };
};
