import { errnoOf } from './errors.js';
import type { JournalFs } from './file-system.js';

/** Makes a directory where there is none. Throws the system's error. */
export const ensureDirectory = (fs: Pick<JournalFs, 'makeDirectory'>, path: string): void => {
  try {
    fs.makeDirectory(path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
};

/** Throws the system's error. */
export const writeAll = (fs: JournalFs, descriptor: number, bytes: Buffer): void => {
  for (let rest = bytes; rest.length > 0; ) {
    const written = fs.write(descriptor, rest);
    if (written === 0) throw new Error(`short write: ${rest.length} of ${bytes.length} bytes left`);
    rest = rest.subarray(written);
  }
};

const quietly = (run: () => void): void => {
  try {
    run();
  } catch {
    // What is left over is removed by the next one who needs the name; a descriptor that cannot be closed is of no use.
  }
};

export const removeQuietly = (fs: JournalFs, path: string): void => quietly(() => fs.remove(path));

export const closeQuietly = (fs: JournalFs, descriptor: number): void => quietly(() => fs.close(descriptor));

/** A file that is written beside the one whose place it is to take. */
export interface Replacement {
  readonly descriptor: number;
  /** Puts it there. Throws the system's error, also where somebody else has taken its temporary name meanwhile. */
  publish(): void;
  /** Takes its temporary name away, if it is still its own. Throws nothing. The descriptor stays open. */
  withdraw(): void;
}

/** Throws the system's error. */
export const openReplacement = (fs: JournalFs, path: string, how: 'create' | 'create-append'): Replacement => {
  const temporary = `${path}.tmp`;
  // Of a crash, or of somebody else who is not quite gone: both go on with a file of their own, and the loser finds out.
  removeQuietly(fs, temporary);
  const descriptor = fs.open(temporary, how);
  return {
    descriptor,
    publish: () => {
      if (fs.whereIs(descriptor, temporary) !== 'there') throw new Error(`somebody else writes ${temporary}`);
      fs.rename(temporary, path);
    },
    withdraw: () =>
      quietly(() => {
        if (fs.whereIs(descriptor, temporary) === 'there') fs.remove(temporary);
      }),
  };
};

/** Keeps bytes in a new file named after the one they came from, and returns its path. */
export const quarantine = (fs: JournalFs, path: string, stamp: string, bytes: Buffer): string => {
  for (let attempt = 0; ; attempt += 1) {
    const aside = `${path}.corrupt-${stamp}${attempt === 0 ? '' : `-${attempt}`}`;
    let descriptor: number;
    try {
      descriptor = fs.open(aside, 'create');
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') continue;
      throw error;
    }
    try {
      writeAll(fs, descriptor, bytes);
      fs.sync(descriptor);
    } catch (error) {
      closeQuietly(fs, descriptor);
      removeQuietly(fs, aside);
      throw error;
    }
    fs.close(descriptor);
    return aside;
  }
};
