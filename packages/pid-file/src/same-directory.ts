import { statSync } from 'node:fs';

const place = (path: string): string | undefined => {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
};

/**
 * Whether the directory that a process calls `recorded` is the one that we call `directory`. By device and inode, because
 * one directory can have several real paths (bind mounts); and also as the process itself sees it, because in another
 * mount namespace the path may mean something else, or nothing.
 */
export const isSameDirectory = (recorded: string, pid: number, directory: string): boolean => {
  const here = place(directory);
  return here !== undefined && (place(recorded) === here || place(`/proc/${pid}/root${recorded}`) === here);
};
