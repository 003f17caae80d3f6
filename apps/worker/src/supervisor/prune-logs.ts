import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

export interface LogBounds {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** What the logs of children may hold in all; those of living rows are bounded one by one. */
const CHILD_LOG_BOUNDS: LogBounds = { maxBytes: 64 * 1024 * 1024, maxAgeMs: 7 * 24 * 60 * 60 * 1000 };

/** A living row's log is rotated at 1 MB by the worker that reads its pipes; where nobody does, it is cut when it is this long. */
const LONGEST_LIVE_LOG_BYTES = 4 * 1024 * 1024;

/** Row ids begin with a `p`; rotated files carry theirs after a date. */
const ROW_ID = /(?:^|-)(p[0-9a-z]+)\.log/;

/** Removes the oldest logs of rows that are gone, until what is left is young and small enough. */
export const pruneChildLogs = (
  directory: string,
  isLive: (rowId: string) => boolean,
  nowMs: number,
  { maxBytes, maxAgeMs }: LogBounds = CHILD_LOG_BOUNDS,
): void => {
  const files = readdirSync(directory)
    .flatMap((name) => {
      const rowId = ROW_ID.exec(name)?.[1];
      const stats = rowId === undefined ? undefined : statSync(join(directory, name), { throwIfNoEntry: false });
      return rowId === undefined || stats === undefined ? [] : [{ name, rowId, bytes: stats.size, at: stats.mtimeMs }];
    })
    .sort((a, b) => a.at - b.at);
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { name, rowId, bytes, at } of files) {
    if (isLive(rowId)) {
      if (bytes > LONGEST_LIVE_LOG_BYTES) truncateSync(join(directory, name));
      continue;
    }
    if (total <= maxBytes && nowMs - at <= maxAgeMs) continue;
    rmSync(join(directory, name), { force: true });
    total -= bytes;
  }
};
