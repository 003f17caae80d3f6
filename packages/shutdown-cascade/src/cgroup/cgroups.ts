import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isTargetPid } from '@cm/process-table';

/** What the cascade asks of control groups of version 2, by the path of their directory. Nothing here throws for a group that is gone. */
export interface Cgroups {
  /** @throws the system's error. */
  create(path: string): void;
  /** Moves a process in. @throws the system's error. */
  add(path: string, pid: number): void;
  /** The pids in it and in the groups below it, as this process's PID namespace numbers them. */
  pids(path: string): number[];
  /** SIGKILL for every process in it and below it, newborns included (cgroup.kill, Linux 5.14). False when the kernel refused. */
  kill(path: string): boolean;
  /** Whether anything in it or below it lives; zombies do not. */
  isPopulated(path: string): boolean;
  /** Calls back when that may have changed. */
  watch(path: string, onChange: () => void): Disposable;
  /** Removes it and the groups below it. False while something lives in it. */
  remove(path: string): boolean;
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** ENODEV is what a file of a group answers that has been removed while it was open. */
const GONE: readonly string[] = ['ENOENT', 'ENODEV'];

/** A directory has two links, and one more for each directory in it. */
const LINKS_OF_LEAF = 2;

const below = (path: string): string[] => {
  try {
    if (statSync(path).nlink <= LINKS_OF_LEAF) return [];
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [join(path, entry.name)] : [],
    );
  } catch {
    return [];
  }
};

const readIn = (path: string, file: string): string => {
  try {
    return readFileSync(join(path, file), 'utf8');
  } catch (error) {
    if (GONE.includes(codeOf(error))) return '';
    throw error;
  }
};

const pids: Cgroups['pids'] = (path) => [
  // A process of a PID namespace that is not below ours shows as 0.
  ...readIn(path, 'cgroup.procs').split('\n').map(Number).filter(isTargetPid),
  ...below(path).flatMap(pids),
];

const remove: Cgroups['remove'] = (path) => {
  for (const child of below(path)) remove(child);
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return GONE.includes(codeOf(error));
  }
};

export const systemCgroups: Cgroups = {
  create: (path) => mkdirSync(path, { mode: 0o755 }),
  add: (path, pid) => writeFileSync(join(path, 'cgroup.procs'), String(pid)),
  pids,
  kill: (path) => {
    try {
      writeFileSync(join(path, 'cgroup.kill'), '1');
      return true;
    } catch (error) {
      return GONE.includes(codeOf(error));
    }
  },
  isPopulated: (path) => /^populated 1$/m.test(readIn(path, 'cgroup.events')),
  watch: (path, onChange) => {
    try {
      // The kernel reports a change of this file as a modification (cgroup-v2, "[Un]populated Notification").
      const watcher = watch(join(path, 'cgroup.events'), { persistent: false }, onChange);
      watcher.on('error', onChange);
      return { [Symbol.dispose]: () => watcher.close() };
    } catch {
      // Out of watches, or gone already: whoever waits also looks from time to time.
      return { [Symbol.dispose]: () => {} };
    }
  },
  remove,
};
