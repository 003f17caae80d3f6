import { readFileSync, statSync } from 'node:fs';

/** A small regular file, or undefined. Looks first: a FIFO in its place would never answer. */
export const readSmallFile = (path: string, limitBytes: number): string | undefined => {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() && stats.size <= limitBytes ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
};
