import { type AppendFile, openAppendFile, replaceAppendFile } from './append-file.js';
import { errnoOf, isJournalError, JournalError, reasonOf } from './errors.js';
import { type JournalFs, nodeJournalFs } from './file-system.js';
import type { Change } from './format.js';
import { encodeChange } from './lines.js';
import { pathsOf, readFiles } from './read-files.js';
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
  /** Milliseconds since the epoch: for the names of quarantined files, and to look after the files no more than ten times a second. */
  readonly now?: () => number;
}

export type JournalState = { readonly status: 'ok' } | { readonly status: 'degraded'; readonly reason: string };

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
  /** `degraded` from a failed write until one succeeds. */
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

/** How long a removed file may go unnoticed: asking before each change would cost as much as the change. */
const LOOK_EVERY_MS = 100;

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
  removeQuietly(fs, `${paths.snapshot}.tmp`);
  removeQuietly(fs, `${paths.journal}.tmp`);

  const { entries } = found;
  let { sequence, lines } = found;
  let closed = false;
  /** Where the files were when they were last looked at. */
  let place: ReturnType<AppendFile['whereabouts']> = 'there';
  let lookedAtMs = now();
  let folded = fs.sizeOf(paths.snapshot) !== undefined;
  let writeFailure: string | undefined;
  let compactionFailure: string | undefined;
  let compactAt = 0;

  const threshold = (): number => Math.max(compactAfter, 2 * entries.size);

  /**
   * Everything into the snapshot, and a new journal. Each half is harmless without the other: the snapshot says which changes it holds, and
   * those are skipped. Returns the journal to go on with.
   */
  const fold = (former?: AppendFile): AppendFile | undefined => {
    try {
      replaceFile(fs, paths.snapshot, encodeSnapshot(entries, sequence));
      folded = true;
      const fresh = replaceAppendFile(fs, paths.journal, former);
      lines = 0;
      compactAt = 0;
      compactionFailure = undefined;
      return fresh;
    } catch (error) {
      // Nothing is lost, the journal only grows. Tried again after a part of the usual number of changes, never at each.
      compactAt = lines + Math.ceil(threshold() / 8);
      compactionFailure = `cannot compact ${paths.journal}: ${reasonOf(error)}`;
      return former;
    }
  };

  const fresh = (): AppendFile | undefined => {
    try {
      return replaceAppendFile(fs, paths.journal);
    } catch {
      return undefined;
    }
  };

  // Whoever opens begins a file of its own: a predecessor that is not quite gone then writes to one that nobody reads, and what a crash left
  // half-written is gone with the old one. Where that cannot be done, on a full disk, the old one is gone on with.
  let file: AppendFile =
    (lines > 0 || quarantined.length > 0 ? fold() : fresh()) ?? openAppendFile(fs, paths.journal, found.wholeBytes);

  const compact = (): void => {
    file = fold(file) ?? file;
  };

  /**
   * Throws unless what is written now reaches whoever reads: somebody may have removed the files, and then they are written anew, or another
   * process may have begun its own.
   */
  const assertInPlace = (): void => {
    if (place !== 'replaced') {
      lookedAtMs = now();
      place = file.whereabouts();
      if (place === 'there' && folded && fs.sizeOf(paths.snapshot) === undefined) place = 'missing';
    }
    if (place === 'replaced') throw new Error('another process has opened it since');
    if (place === 'there') return;
    ensureDirectory(fs, directory);
    compact();
    if (compactionFailure !== undefined) throw new Error(compactionFailure);
    place = 'there';
  };

  const attempt = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      writeFailure = `cannot write ${paths.journal}: ${reasonOf(error)}`;
      throw new JournalError('write-failed', writeFailure, { cause: error });
    }
    writeFailure = undefined;
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
    attempt(() => {
      if (place !== 'there' || Math.abs(now() - lookedAtMs) >= LOOK_EVERY_MS) assertInPlace();
      // Spent even when the write fails: whatever the failed write left on disk never shadows the next change.
      sequence = change.sequence;
      file.append(line);
    });
    lines += 1;
  };

  const compactWhenDue = (): void => {
    if (lines <= Math.max(threshold(), compactAt)) return;
    try {
      assertInPlace();
    } catch {
      // The next change says so.
      return;
    }
    if (lines > 0) compact();
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
      [paths.snapshot, paths.journal].flatMap((path) => {
        const bytes = fs.sizeOf(path);
        return bytes === undefined ? [] : [{ path, bytes }];
      }),
    lookAfter: () => {
      if (closed) return;
      try {
        attempt(assertInPlace);
      } catch {
        // `state` tells.
      }
    },
    close: () => {
      if (closed) return;
      closed = true;
      try {
        file.close();
      } catch (error) {
        // Every line was written before; whoever leaves can do no more about it.
        writeFailure = `cannot close ${paths.journal}: ${reasonOf(error)}`;
      }
    },
  };
};
