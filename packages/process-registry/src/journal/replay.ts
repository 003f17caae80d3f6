import { parseJournal } from './lines.js';
import { parseSnapshot, type SnapshotText } from './snapshot.js';

export interface Replayed<T> {
  readonly status: 'replayed';
  readonly entries: Map<string, T>;
  /** Of the last change seen. */
  readonly sequence: number;
  /** The lines of the journal that are good and not yet in the snapshot, as they stand there. */
  readonly lines: readonly Buffer[];
  /** The length to which the journal must be cut before it is appended to. */
  readonly wholeBytes: number;
  readonly tornBytes: number;
  /** Records that could not be used. */
  readonly dropped: number;
  /** What to set aside, by the file it was found in. */
  readonly corrupt: { readonly snapshot: readonly Buffer[]; readonly journal: readonly Buffer[] };
}

export type Replay<T> =
  | { readonly status: 'newer-schema'; readonly file: 'snapshot' | 'journal'; readonly schema: number }
  | Replayed<T>;

const NOTHING: SnapshotText = { status: 'intact', entries: [], sequence: 0 };

/** What two files on disk mean. Pure. */
export const replay = <T>(
  snapshotBytes: Buffer | undefined,
  journalBytes: Buffer,
  validate: (value: unknown) => T | undefined,
): Replay<T> => {
  const snapshot = snapshotBytes === undefined ? NOTHING : parseSnapshot(snapshotBytes);
  if (snapshot.status === 'newer-schema') return { status: 'newer-schema', file: 'snapshot', schema: snapshot.schema };
  const journal = parseJournal(journalBytes);
  if (journal.newerSchema !== undefined) {
    return { status: 'newer-schema', file: 'journal', schema: journal.newerSchema };
  }

  const entries = new Map<string, T>();
  const corrupt: { snapshot: Buffer[]; journal: Buffer[] } = { snapshot: [], journal: [] };
  let dropped = 0;
  const drop = (file: 'snapshot' | 'journal', bytes: Buffer): void => {
    dropped += 1;
    corrupt[file].push(bytes);
  };

  for (const { key, value } of snapshot.entries) {
    const accepted = validate(value);
    if (accepted === undefined) drop('snapshot', Buffer.from(`${JSON.stringify([key, value])}\n`));
    else entries.set(key, accepted);
  }
  if (snapshot.status === 'corrupt' && snapshotBytes !== undefined) {
    corrupt.snapshot = [snapshotBytes];
    dropped += snapshot.lost;
  }

  // A damaged snapshot cannot say what it holds. Changes it already holds do no harm when they are made again.
  const lines: Buffer[] = [];
  let sequence = snapshot.status === 'intact' ? snapshot.sequence : 0;
  for (const { bytes, change } of journal.lines) {
    if (change === undefined) {
      drop('journal', bytes);
      continue;
    }
    // Not by the last one seen: where two had to share one file, each counted for itself.
    if (snapshot.status === 'intact' && change.sequence <= snapshot.sequence) continue;
    sequence = Math.max(sequence, change.sequence);
    if (change.operation.type === 'delete') entries.delete(change.key);
    else {
      const accepted = validate(change.operation.value);
      if (accepted === undefined) {
        drop('journal', bytes);
        continue;
      }
      entries.set(change.key, accepted);
    }
    lines.push(bytes);
  }
  if (journal.strayTail !== undefined) drop('journal', journal.strayTail);

  return {
    status: 'replayed',
    entries,
    sequence,
    lines,
    wholeBytes: journal.wholeBytes,
    tornBytes: journal.tornBytes,
    dropped,
    corrupt,
  };
};
