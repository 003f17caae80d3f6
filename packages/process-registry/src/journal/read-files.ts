import { join } from 'node:path';
import { JournalError } from './errors.js';
import type { JournalFs } from './file-system.js';
import { type Replayed, replay } from './replay.js';

export interface JournalPaths {
  readonly snapshot: string;
  readonly journal: string;
}

export const pathsOf = (directory: string, name: string): JournalPaths => ({
  snapshot: join(directory, `${name}.snapshot.json`),
  journal: join(directory, `${name}.journal`),
});

/**
 * What is on disk, whether somebody writes to it or not. The journal is read before the snapshot: a compaction puts the snapshot in its
 * place before it takes the journal away, so whatever happens between the two looks, one of them has each change.
 *
 * Throws JournalError `newer-schema`, or the system's error.
 */
export const readFiles = <T>(
  fs: Pick<JournalFs, 'read'>,
  paths: JournalPaths,
  validate: (value: unknown) => T | undefined,
): Replayed<T> => {
  const journal = fs.read(paths.journal);
  const snapshot = fs.read(paths.snapshot);
  const found = replay(snapshot, journal ?? Buffer.alloc(0), validate);
  if (found.status === 'replayed') return found;
  throw new JournalError(
    'newer-schema',
    `${paths[found.file]} has schema ${found.schema}, newer than this version reads`,
  );
};
