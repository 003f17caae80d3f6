import { describe, expect, test } from 'vitest';
import { findOwnCgroup } from '../src/cgroup/find-own-cgroup.js';

/** Lines as kernels write them, beside mounts of other kinds. */
const mountinfo = (...cgroup2: readonly string[]): string =>
  [
    '22 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:13 - proc proc rw',
    ...cgroup2,
    '24 22 0:22 / /sys/kernel/security rw shared:2 master:1 - securityfs securityfs rw',
    '',
  ].join('\n');

const PURE = '35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate';
const V1 = '37 31 0:34 / /sys/fs/cgroup/pids rw,relatime shared:12 - cgroup cgroup rw,pids';
const UNIFIED = '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw';

describe('the cgroup of this process', () => {
  test.each([
    [
      'pure version 2',
      mountinfo(PURE),
      '0::/user.slice/user-1000.slice/session-1.scope\n',
      '/sys/fs/cgroup/user.slice/user-1000.slice/session-1.scope',
    ],
    ['pure version 2, in its root', mountinfo(PURE), '0::/\n', '/sys/fs/cgroup'],
    [
      'hybrid: beside controllers of version 1',
      mountinfo(V1, UNIFIED),
      '9:name=systemd:/\n8:pids:/elsewhere\n0::/worker\n',
      '/sys/fs/cgroup/unified/worker',
    ],
    [
      'a container with a cgroup namespace: its root is its own',
      mountinfo('661 660 0:30 / /sys/fs/cgroup ro,nosuid,relatime - cgroup2 cgroup rw'),
      '0::/\n',
      '/sys/fs/cgroup',
    ],
    [
      'a container without one: a part of the hierarchy is mounted',
      mountinfo('661 660 0:30 /docker/abc /sys/fs/cgroup ro,relatime - cgroup2 cgroup rw'),
      '0::/docker/abc/worker\n',
      '/sys/fs/cgroup/worker',
    ],
    [
      'the first mount that shows it, where there are several',
      mountinfo('70 60 0:30 /other /mnt/other rw - cgroup2 none rw', PURE),
      '0::/worker\n',
      '/sys/fs/cgroup/worker',
    ],
    [
      'a mount point with blanks, tabs, newlines and backslashes',
      mountinfo('70 60 0:30 / /mnt/a\\040b\\011c\\012d\\134e rw,relatime - cgroup2 none rw'),
      '0::/a b\n',
      '/mnt/a b\tc\nd\\e/a b',
    ],
    [
      'no optional fields before the hyphen, and several',
      mountinfo('70 60 0:30 / /cg rw shared:1 master:2 propagate_from:3 unbindable - cgroup2 none rw'),
      '0::/x\n',
      '/cg/x',
    ],
  ])('%s', (_, mounts, own, expected) => {
    expect(findOwnCgroup(mounts, own)).toBe(expected);
  });

  test.each([
    ['no version 2 is mounted', mountinfo(V1), '8:pids:/\n0::/worker\n'],
    ['the kernel has none', mountinfo(V1), '8:pids:/\n'],
    ['the texts are empty', '', ''],
    ['it is outside the cgroup namespace', mountinfo(PURE), '0::/../worker\n'],
    ['it is the parent of the cgroup namespace', mountinfo(PURE), '0::/..\n'],
    [
      'the part that is mounted does not show it',
      mountinfo('661 660 0:30 /docker/abc /sys/fs/cgroup ro,relatime - cgroup2 cgroup rw'),
      '0::/docker/abcdef\n',
    ],
    ['only its name says cgroup2', mountinfo('70 60 0:30 / /cgroup2 rw - tmpfs cgroup2 rw'), '0::/worker\n'],
    ['there is a named hierarchy alone', mountinfo(PURE), '1:name=systemd:/\n'],
  ])('is none where %s', (_, mounts, own) => {
    expect(findOwnCgroup(mounts, own)).toBeUndefined();
  });

  test('a directory whose name begins with two dots is below like any other', () => {
    expect(findOwnCgroup(mountinfo(PURE.replace(' / /sys', ' /a /sys')), '0::/a/..b\n')).toBe('/sys/fs/cgroup/..b');
  });
});
