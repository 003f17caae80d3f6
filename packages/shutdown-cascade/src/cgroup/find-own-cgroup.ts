import { posix } from 'node:path';

interface Mount {
  /** The part of the hierarchy that is mounted. */
  readonly root: string;
  readonly at: string;
}

/** `/proc/self/mountinfo` writes blanks, tabs, newlines and backslashes as octal escapes (proc(5)). */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

const cgroup2Mounts = (mountinfo: string): Mount[] =>
  mountinfo.split('\n').flatMap((line) => {
    // Fields of a varying number end with a lone hyphen; the type of the file system follows it.
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, at] = before.split(' ');
    if (root === undefined || at === undefined || !after.startsWith('cgroup2 ')) return [];
    return [{ root: unescaped(root), at: unescaped(at) }];
  });

/** Where a path of the hierarchy shows in the file system; undefined where that mount does not show it. */
const seenThrough = ({ root, at }: Mount, path: string): string | undefined => {
  const below = posix.relative(root, path);
  return below === '..' || below.startsWith('../') ? undefined : posix.join(at, below);
};

/**
 * The directory of this process's own cgroup, from the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`. Version 2 alone:
 * on hybrid systems it is mounted beside the controllers of version 1, often as `/sys/fs/cgroup/unified`. Pure.
 */
export const findOwnCgroup = (mountinfo: string, selfCgroup: string): string | undefined => {
  // Version 2 is hierarchy 0, without controllers (cgroups(7)).
  const own = selfCgroup
    .split('\n')
    .find((line) => line.startsWith('0::/'))
    ?.slice('0::'.length);
  if (own === undefined || own.startsWith('/..')) return undefined;
  for (const mount of cgroup2Mounts(mountinfo)) {
    const directory = seenThrough(mount, own);
    if (directory !== undefined) return directory;
  }
  return undefined;
};
