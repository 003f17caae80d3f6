import { errnoOf } from './errors.js';
import type { JournalFs } from './file-system.js';
import { ABANDONED, HEADER } from './lines.js';
import { closeQuietly, openReplacement, writeAll } from './write-file.js';

export interface AppendFile {
  /**
   * One write of one whole line; when it returns, the line survives SIGKILL. Throws the system's error, and what is left of the line is cut off,
   * or, where that fails too, put an end to by the next one.
   */
  append(line: string): void;
  /** Empties the file. */
  clear(): void;
  /** Whether its path still leads to it. */
  whereabouts(): ReturnType<JournalFs['whereIs']>;
  /** Throws nothing: every line was written before. */
  close(): void;
}

const appendTo = (fs: JournalFs, descriptor: number, path: string, length: number, isWhole: boolean): AppendFile => {
  let size = length;
  let headerDue = length === 0;
  let tornLine = false;

  const cut = (to: number): void => {
    fs.truncate(descriptor, to);
    size = to;
    tornLine = false;
  };

  const cutOrMark = (): void => {
    try {
      cut(size);
    } catch {
      // The torn line stays until the next write puts an end to it, so that only this line is lost.
      tornLine = true;
    }
  };

  if (!isWhole) cutOrMark();

  return {
    append: (line) => {
      const bytes = Buffer.from(`${tornLine ? ABANDONED : ''}${headerDue ? HEADER : ''}${line}`);
      try {
        const written = fs.write(descriptor, bytes);
        if (written !== bytes.length) throw new Error(`short write: ${written} of ${bytes.length} bytes`);
      } catch (error) {
        cutOrMark();
        throw error;
      }
      size = tornLine ? fs.length(descriptor) : size + bytes.length;
      tornLine = false;
      headerDue = false;
    },
    clear: () => {
      cut(0);
      headerDue = true;
    },
    whereabouts: () => fs.whereIs(descriptor, path),
    close: () => closeQuietly(fs, descriptor),
  };
};

/** Opens the file of lines that is there for appending, cut to the given length. An empty one gets its header with its first line. */
export const openAppendFile = (fs: JournalFs, path: string, length: number): AppendFile => {
  const descriptor = fs.open(path, 'append');
  try {
    return appendTo(fs, descriptor, path, length, fs.length(descriptor) === length);
  } catch (error) {
    closeQuietly(fs, descriptor);
    throw error;
  }
};

/** An open file cannot be replaced on Windows. */
const WHILE_OPEN: readonly unknown[] = ['EPERM', 'EACCES', 'EBUSY'];

/**
 * Puts a file with the given lines in the place of the former one, in one step: a reader has the old one, whole, or the new one, and whoever
 * still writes to the old one reaches nobody any more. The former is closed, unless this throws: then everything is as it was.
 */
export const replaceAppendFile = (
  fs: JournalFs,
  path: string,
  lines: Buffer,
  { former, sync = false }: { readonly former?: AppendFile; readonly sync?: boolean } = {},
): AppendFile => {
  const fresh = openReplacement(fs, path, 'create-append');
  const bytes = Buffer.concat([Buffer.from(HEADER), lines]);
  try {
    writeAll(fs, fresh.descriptor, bytes);
    if (sync) fs.sync(fresh.descriptor);
    fresh.publish();
  } catch (error) {
    fresh.withdraw();
    closeQuietly(fs, fresh.descriptor);
    const canBeEmptied = former !== undefined && lines.length === 0 && WHILE_OPEN.includes(errnoOf(error));
    if (!canBeEmptied || former.whereabouts() !== 'there') throw error;
    former.clear();
    return former;
  }
  // Nothing may fail any more: the former is not at its path, and whatever is written to it from here on is lost.
  former?.close();
  return appendTo(fs, fresh.descriptor, path, bytes.length, true);
};
