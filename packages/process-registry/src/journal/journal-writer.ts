import { type AppendFile, openAppendFile, replaceAppendFile } from './append-file.js';
import { type Compaction, startCompaction } from './compaction.js';
import { JournalError, reasonOf } from './errors.js';
import type { JournalFs } from './file-system.js';
import type { JournalState } from './journal-state.js';
import type { JournalPaths } from './read-files.js';
import type { Replayed } from './replay.js';
import { ensureDirectory, removeQuietly } from './write-file.js';

/** The two files on disk, for the one who may write to them. */
export interface JournalWriter {
  /** Durable when it returns. Throws JournalError `write-failed`, and the line is then nowhere. */
  append(line: string, sequence: number): void;
  /** After each change, when the entries hold it: folds the journal into the snapshot when it has become long. */
  compactWhenDue(): void;
  /** Looks whether the files are still there. Throws nothing: `state` tells. */
  lookAfter(): void;
  state(): JournalState;
  /** Gives up what is under way. Throws nothing. */
  close(): void;
}

export interface JournalWriterOptions {
  readonly fs: JournalFs;
  readonly directory: string;
  readonly paths: JournalPaths;
  readonly found: Pick<Replayed<unknown>, 'corrupt' | 'lines' | 'sequence' | 'wholeBytes'>;
  /** As they are at any moment. */
  readonly entries: ReadonlyMap<string, unknown>;
  readonly compactAfter: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** How long a removed file may go unnoticed: asking before each change would cost as much as the change. */
const LOOK_EVERY_MS = 100;
const SUCCEEDED = 'another process has opened it since';
/** What a compaction may take of one turn of the event loop. */
const SLICE_MS = 3;

/** What was safe from power loss in the old file is so in the new one. Throws the system's error. */
const carryOver = (fs: JournalFs, path: string, lines: readonly Buffer[]): AppendFile =>
  replaceAppendFile(fs, path, Buffer.concat(lines), { sync: lines.length > 0 });

/** Throws the system's error. */
export const openJournalWriter = (options: JournalWriterOptions): JournalWriter => {
  const { fs, directory, paths, entries, compactAfter, now } = options;
  /** The last change that the entries hold. */
  let held = options.found.sequence;
  /** Changes in the journal. */
  let lines = options.found.lines.length;
  let compaction: Compaction | undefined;
  /** What was appended since the compaction under way began: it is not in its snapshot. */
  let since: string[] = [];
  let compactAt = 0;
  /** Where the files were when they were last looked at. */
  let place: ReturnType<AppendFile['whereabouts']> = 'there';
  let lookedAtMs = now();
  let hasSnapshot = fs.sizeOf(paths.snapshot) !== undefined;
  let writeFailure: string | undefined;
  let compactionFailure: string | undefined;
  let closed = false;

  removeQuietly(fs, `${paths.snapshot}.tmp`);

  const threshold = (): number => Math.max(compactAfter, 2 * entries.size);

  const giveUp = (): void => {
    compaction?.abandon();
    compaction = undefined;
    since = [];
  };

  /** Nothing is lost, the journal only grows. Tried again after a part of the usual number of changes, never at each. */
  const failed = (error: unknown): void => {
    giveUp();
    compactAt = lines + Math.ceil(threshold() / 8);
    compactionFailure = `cannot compact ${paths.journal}: ${reasonOf(error)}`;
  };

  const begin = (): Compaction => {
    giveUp();
    const elapsedMs = (): number => performance.now();
    compaction = startCompaction({
      fs,
      path: paths.snapshot,
      directory,
      entries: [...entries],
      sequence: held,
      elapsedMs,
    });
    return compaction;
  };

  /**
   * The snapshot first, then a journal without what is in it. Each is harmless without the other: the snapshot says up to which change it holds
   * them, and those are skipped. Throws the system's error.
   */
  const conclude = (written: Compaction, former?: AppendFile): AppendFile => {
    written.publish();
    hasSnapshot = true;
    // The disk may have taken its time, and a successor may have opened meanwhile.
    if (former?.whereabouts() === 'replaced') throw new Error(SUCCEEDED);
    const carried = Buffer.from(since.join(''));
    const fresh = replaceAppendFile(fs, paths.journal, carried, former === undefined ? {} : { former });
    lines = since.length;
    compaction = undefined;
    since = [];
    compactAt = 0;
    compactionFailure = undefined;
    return fresh;
  };

  /** All at once, for when nothing may be written before. Undefined when it fails. */
  const fold = (former?: AppendFile): AppendFile | undefined => {
    try {
      const folding = begin();
      folding.advance(Number.POSITIVE_INFINITY);
      folding.sync();
      return conclude(folding, former);
    } catch (error) {
      failed(error);
      return undefined;
    }
  };

  const attemptAnew = (path: string, good: readonly Buffer[]): AppendFile | undefined => {
    try {
      return carryOver(fs, path, good);
    } catch (error) {
      failed(error);
      return undefined;
    }
  };

  // Whoever opens begins a file of its own: a predecessor that is not quite gone then writes to one that nobody reads, and what a crash left
  // half-written, or a disk damaged, is gone with the old one. Where that cannot be done, on a full disk, the old one is gone on with, and said.
  let file: AppendFile =
    (options.found.corrupt.snapshot.length > 0 ? fold() : undefined) ??
    attemptAnew(paths.journal, options.found.lines) ??
    openAppendFile(fs, paths.journal, options.found.wholeBytes);

  /** Whether the last look is not long ago. The clock may have been set. */
  const isFresh = (): boolean => Math.abs(now() - lookedAtMs) < LOOK_EVERY_MS;

  /**
   * Throws unless what is written now reaches whoever reads: somebody may have removed the files, and then they are written anew, or another
   * process may have begun its own.
   */
  const assertInPlace = (): void => {
    if (place === 'missing' && isFresh()) throw new Error(compactionFailure);
    if (place !== 'replaced') {
      place = file.whereabouts();
      if (place === 'there' && hasSnapshot && fs.sizeOf(paths.snapshot) === undefined) place = 'missing';
      lookedAtMs = now();
    }
    if (place === 'replaced') throw new Error(SUCCEEDED);
    if (place === 'there') return;
    ensureDirectory(fs, directory);
    file = fold(file) ?? file;
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

  const finish = (written: Compaction): void => {
    try {
      assertInPlace();
      // It was not, and everything has been written anew.
      if (compaction !== written) return;
      file = conclude(written, file);
    } catch (error) {
      failed(error);
    }
  };

  const advance = (running: Compaction): void => {
    // Whoever has given it up has begun another one, perhaps.
    if (compaction !== running) return;
    try {
      if (running.advance(SLICE_MS) === 'more') {
        setImmediate(() => advance(running)).unref();
        return;
      }
      running.syncInBackground((error) => {
        if (error === null) finish(running);
        else failed(error);
      });
    } catch (error) {
      failed(error);
    }
  };

  return {
    append: (line, sequence) => {
      attempt(() => {
        if (place !== 'there' || !isFresh()) assertInPlace();
        file.append(line);
      });
      held = sequence;
      lines += 1;
      if (compaction !== undefined) since.push(line);
    },
    compactWhenDue: () => {
      if (compaction !== undefined || lines <= Math.max(threshold(), compactAt)) return;
      try {
        advance(begin());
      } catch (error) {
        failed(error);
      }
    },
    lookAfter: () => {
      if (closed) return;
      try {
        attempt(assertInPlace);
      } catch {
        // `state` tells.
      }
    },
    state: () => {
      const reason = writeFailure ?? compactionFailure;
      return reason === undefined ? { status: 'ok' } : { status: 'degraded', reason };
    },
    close: () => {
      if (closed) return;
      closed = true;
      giveUp();
      file.close();
    },
  };
};
