import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where cgroup v2 is mounted, and which of its cgroups that mount shows as its top. Undefined without such a mount. */
export const findMount = (mountinfo) => {
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    if (after?.split(' ')[0] !== 'cgroup2') continue;
    const [, , , root, path] = before.split(' ');
    return { path, root };
  }
  return undefined;
};

/** The directory of the cgroup v2 that a text like `/proc/self/cgroup` names. */
export const directoryIn = (mount, membership) => {
  const own = /^0::(.*)$/m.exec(membership)?.[1];
  if (own === undefined) return undefined;
  const below = mount.root !== '/' && own.startsWith(mount.root) ? own.slice(mount.root.length) : own;
  return join(mount.path, below);
};

export const mountHere = () => {
  try {
    return findMount(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return undefined;
  }
};

export const directoryOf = (mount, pid) => {
  try {
    return directoryIn(mount, readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
  } catch {
    return undefined;
  }
};

/** Whether any process lives in it or below. Zombies do not count; a cgroup that was removed was empty. */
export const isPopulated = (directory) => {
  try {
    return readFileSync(join(directory, 'cgroup.events'), 'latin1').includes('populated 1');
  } catch {
    return false;
  }
};

const subdirectories = (directory) => {
  try {
    return readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  } catch {
    return [];
  }
};

/** Everyone in it and below. Who belongs to another PID namespace shows as 0, which to kill(2) would be the caller's own group. */
export const membersOf = (directory) => {
  let own = [];
  try {
    own = readFileSync(join(directory, 'cgroup.procs'), 'latin1')
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 1);
  } catch {
    // Removed meanwhile.
  }
  return [...own, ...subdirectories(directory).flatMap(({ name }) => membersOf(join(directory, name)))];
};

export const killAll = (directory) => {
  try {
    writeFileSync(join(directory, 'cgroup.kill'), '1');
  } catch {
    // A kernel before 5.14, or it is gone.
    for (const pid of membersOf(directory)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone.
      }
    }
  }
};

export const make = (directory) => mkdirSync(directory, { recursive: true });

/** Removes it and what is below, as far as it is empty. */
export const remove = (directory) => {
  for (const { name } of subdirectories(directory)) remove(join(directory, name));
  try {
    rmdirSync(directory);
  } catch {
    // Somebody is still on the way out of it.
  }
};
