import type { ProcessTable } from '@cm/process-table';
import { toRegistryError } from './errors.js';
import { readJournal } from './journal.js';
import type { ProcessRegistryOptions, RecoveredRow } from './process-registry.js';
import { type ProcessRecord, parseRecord } from './record.js';
import { recoverRows } from './recover.js';
import { inOrder } from './row-store.js';

/** Of the files. */
export const JOURNAL_NAME = 'processes';

export interface ReadProcessRegistry {
  /** In start order. */
  readonly rows: readonly ProcessRecord[];
  /** Records that are damaged, or of the wrong shape. */
  readonly dropped: number;
  /** What became of each, compared with the processes of this machine at this moment. */
  recover(table: Pick<ProcessTable, 'lookup' | 'list'>): Promise<RecoveredRow[]>;
}

/**
 * The registry of a directory as it is on disk, for whoever only wants to know: whether it is open somewhere or not, nothing is changed,
 * locked or waited for, and the rows are those of one moment. Without files there are no rows.
 *
 * Throws ProcessRegistryError `newer-schema` or `open-failed`.
 */
export const readProcessRegistry = ({
  directory,
  fs,
}: Pick<ProcessRegistryOptions, 'directory' | 'fs'>): ReadProcessRegistry => {
  try {
    const { entries, dropped } = readJournal({
      directory,
      name: JOURNAL_NAME,
      validate: parseRecord,
      ...(fs === undefined ? {} : { fs }),
    });
    const rows = inOrder(entries.values());
    return { rows, dropped, recover: (table) => recoverRows(rows, table) };
  } catch (error) {
    throw toRegistryError(error);
  }
};
