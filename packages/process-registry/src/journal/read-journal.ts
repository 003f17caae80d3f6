import { isJournalError, JournalError, reasonOf } from './errors.js';
import { type JournalFs, nodeJournalFs } from './file-system.js';
import type { JournalOptions } from './open-journal.js';
import { pathsOf, readFiles } from './read-files.js';

export interface ReadJournalOptions<T> extends Pick<JournalOptions<T>, 'directory' | 'name' | 'validate'> {
  readonly fs?: Pick<JournalFs, 'read'>;
}

export interface JournalReading<T> {
  readonly entries: ReadonlyMap<string, T>;
  /** Records that are damaged, or refused by `validate`. */
  readonly dropped: number;
}

/**
 * The rows as they are on disk, whether somebody writes to them at this moment or nobody any more. Changes nothing, locks nothing and waits
 * for nobody. Empty when there are no files.
 *
 * Throws JournalError `newer-schema` or `open-failed`.
 */
export const readJournal = <T>({
  directory,
  name,
  validate,
  fs = nodeJournalFs,
}: ReadJournalOptions<T>): JournalReading<T> => {
  try {
    const { entries, dropped } = readFiles(fs, pathsOf(directory, name), validate);
    return { entries, dropped };
  } catch (error) {
    if (isJournalError(error)) throw error;
    throw new JournalError('open-failed', `cannot read ${name} in ${directory}: ${reasonOf(error)}`, { cause: error });
  }
};
