import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';

const NAME = /^cm-[0-9a-f]{32}$/;

/**
 * The directory of the cgroup that belongs to a key, such as a cookie that nobody else has. The name says nothing of the key and cannot
 * be guessed without it, so whoever is in the group was put there by whoever knew the key.
 */
export const cgroupPath = (parent: string, key: string): string =>
  join(parent, `cm-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`);

/** Whether a path, from a file perhaps, may be one that {@link cgroupPath} made: nothing else is ever killed or removed. */
export const isCgroupPath = (path: string): boolean =>
  path.startsWith('/') && !path.split('/').includes('..') && NAME.test(basename(path));
