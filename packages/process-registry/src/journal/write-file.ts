import { errnoOf } from './errors.js';
import type { JournalFs } from './file-system.js';

export const writeAll = (fs: JournalFs, descriptor: number, bytes: Buffer): void => {
  for (let rest = bytes; rest.length > 0; ) {
    const written = fs.write(descriptor, rest);
    if (written === 0) throw new Error(`short write: ${rest.length} of ${bytes.length} bytes left`);
    rest = rest.subarray(written);
  }
};

const fill = (fs: JournalFs, descriptor: number, bytes: Buffer): void => {
  try {
    writeAll(fs, descriptor, bytes);
    fs.sync(descriptor);
  } finally {
    fs.close(descriptor);
  }
};

export const removeQuietly = (fs: JournalFs, path: string): void => {
  try {
    fs.remove(path);
  } catch {
    // A left-over temporary file is overwritten by the next one.
  }
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
      fill(fs, descriptor, bytes);
    } catch (error) {
      removeQuietly(fs, aside);
      throw error;
    }
    return aside;
  }
};
