import { crc32 } from 'node:zlib';
import type { JournalFs } from './file-system.js';
import { showCrc } from './format.js';
import { encodeEntry, encodeFoot, encodeFootBody, encodeHead } from './snapshot.js';
import { closeQuietly, openReplacement, writeAll } from './write-file.js';

/** A snapshot on its way into its place: written a slice at a time, synced, and only then renamed. */
export interface Compaction {
  /** Writes for about so long, and says whether that was all. Throws the system's error. */
  advance(budgetMs: number): 'more' | 'written';
  /** Waits for the disk, in this turn of the event loop. Throws the system's error. */
  sync(): void;
  /** Waits for the disk without holding anybody up. `done` is not called any more once it was abandoned. */
  syncInBackground(done: (error: Error | null) => void): void;
  /** Puts it in its place. Throws the system's error. */
  publish(): void;
  /** Leaves nothing behind. */
  abandon(): void;
}

const CHUNK_BYTES = 64 * 1024;

export interface CompactionOptions {
  readonly fs: JournalFs;
  readonly path: string;
  /** Around the path. */
  readonly directory: string;
  readonly entries: readonly (readonly [string, unknown])[];
  /** Of the last change that the entries hold. */
  readonly sequence: number;
  /** Milliseconds that only go up. */
  readonly elapsedMs: () => number;
}

/** Throws the system's error. */
export const startCompaction = ({
  fs,
  path,
  directory,
  entries,
  sequence,
  elapsedMs,
}: CompactionOptions): Compaction => {
  const replacement = openReplacement(fs, path, 'create');
  const { descriptor } = replacement;
  let crc = 0;
  let next = 0;
  let waiting = encodeHead(sequence);
  let syncing = false;
  let abandoned = false;
  let closed = false;

  const flush = (): void => {
    const bytes = Buffer.from(waiting);
    waiting = '';
    crc = crc32(bytes, crc);
    writeAll(fs, descriptor, bytes);
  };

  const release = (): void => {
    if (!closed) closeQuietly(fs, descriptor);
    closed = true;
  };

  return {
    advance: (budgetMs) => {
      const endsAt = elapsedMs() + budgetMs;
      for (; next < entries.length; next += 1) {
        const entry = entries[next];
        if (entry !== undefined) waiting += encodeEntry(...entry, next === 0);
        if (waiting.length < CHUNK_BYTES) continue;
        flush();
        if (elapsedMs() >= endsAt) {
          next += 1;
          return 'more';
        }
      }
      waiting += encodeFootBody(entries.length);
      flush();
      writeAll(fs, descriptor, Buffer.from(encodeFoot(showCrc(crc))));
      return 'written';
    },
    sync: () => fs.sync(descriptor),
    syncInBackground: (done) => {
      syncing = true;
      fs.syncInBackground(descriptor, (error) => {
        syncing = false;
        if (abandoned) release();
        else done(error);
      });
    },
    publish: () => {
      replacement.publish();
      release();
      fs.syncDirectory(directory);
    },
    abandon: () => {
      if (abandoned) return;
      abandoned = true;
      replacement.withdraw();
      // A descriptor that is closed while it is being synced may be somebody else's by then.
      if (!syncing) release();
    },
  };
};
