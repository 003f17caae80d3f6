import { isJournalError, JournalError, reasonOf } from './errors.js';
import { type JournalFs, nodeJournalFs } from './file-system.js';
import type { Change } from './format.js';
import type { JournalState } from './journal-state.js';
import { openJournalWriter } from './journal-writer.js';
import { encodeChange } from './lines.js';
import { pathsOf, readFiles } from './read-files.js';
import { ensureDirectory, quarantine } from './write-file.js';

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
  /** Milliseconds since the epoch: for the names of quarantined files, and to look after the files no more than ten times a second. */
  readonly now?: () => number;
}

/**
 * A map in insertion order whose changes survive the SIGKILL of its process. One process at a time may have it open: when another one opens
 * it all the same, this one notices before long, and its writes, which reach nobody any more, fail.
 */
export interface Journal<T> {
  readonly size: number;
  get(key: string): T | undefined;
  /** The rows as they are now; later changes do not show. */
  entries(): IterableIterator<[string, T]>;
  /** Durable when it returns. Throws JournalError `write-failed`, `bad-value` or `closed`; the map is then as before. */
  put(key: string, value: T): void;
  /** Durable when it returns; false, and nothing written, when there is no such key. Throws as `put` does. */
  delete(key: string): boolean;
  /** `degraded` from a failed write, or a failed compaction, until one succeeds. */
  state(): JournalState;
  /** Looks whether the files are still there, and writes them anew where somebody has removed them. */
  lookAfter(): void;
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
  const paths = pathsOf(directory, name);
  ensureDirectory(fs, directory);
  const found = readFiles(fs, paths, validate);
  const stamp = new Date(now()).toISOString().replace(/[:.]/g, '-');
  const setAside = (path: string, chunks: readonly Buffer[]): string[] =>
    chunks.length === 0 ? [] : [quarantine(fs, path, stamp, Buffer.concat(chunks))];
  const quarantined = [
    ...setAside(paths.snapshot, found.corrupt.snapshot),
    ...setAside(paths.journal, found.corrupt.journal),
  ];
  const { entries } = found;
  let { sequence } = found;
  const writer = openJournalWriter({ fs, paths, directory, found, entries, compactAfter, now });
  writer.compactWhenDue();
  let closed = false;

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
    writer.append(line, change.sequence);
  };

  const assertOpen = (): void => {
    if (closed) throw new JournalError('closed', `${paths.journal} was closed`);
  };

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
      writer.compactWhenDue();
    },
    delete: (key) => {
      assertOpen();
      if (!entries.has(key)) return false;
      write({ sequence: sequence + 1, key, operation: { type: 'delete' } });
      entries.delete(key);
      writer.compactWhenDue();
      return true;
    },
    state: writer.state,
    recovered: { quarantined, dropped: found.dropped, tornBytes: found.tornBytes },
    files: () =>
      [paths.snapshot, paths.journal].flatMap((path) => {
        const bytes = fs.sizeOf(path);
        return bytes === undefined ? [] : [{ path, bytes }];
      }),
    lookAfter: writer.lookAfter,
    close: () => {
      closed = true;
      writer.close();
    },
  };
};
