import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupPath } from './cgroup-path.js';
import { systemCgroups } from './cgroups.js';
import { findOwnCgroup } from './find-own-cgroup.js';

export type CgroupProbe =
  /** Groups can be made in this directory. */
  { readonly available: true; readonly parent: string } | { readonly available: false; readonly why: string };

const no = (why: string): CgroupProbe => ({ available: false, why });

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

/** Whether a process of ours could move to a group that was made for this: what the kernel asks for, without making one do it. */
const tryOut = (parent: string, path: string, read: (path: string) => string): CgroupProbe => {
  if (!existsSync(join(path, 'cgroup.kill'))) return no('the kernel has no cgroup.kill (it came with Linux 5.14)');
  // To move a process takes the right to write to the list of its new group, and to that of the common ancestor (cgroups(7)).
  for (const directory of [path, parent]) {
    if (!isWritable(join(directory, 'cgroup.procs'))) return no(`nobody may be moved within ${parent}`);
  }
  // Below a threaded group a new one is no domain, and takes no process (cgroup-v2, "Threads").
  const type = read(join(path, 'cgroup.type')).trim();
  return type === 'domain' ? { available: true, parent } : no(`a cgroup below ${parent} would be "${type}"`);
};

/** Tries the strongest tier out: makes a group below our own, looks whether a process could join it, and removes it again. */
export const probeCgroup = (read: (path: string) => string = (path) => readFileSync(path, 'utf8')): CgroupProbe => {
  let parent: string | undefined;
  try {
    parent = findOwnCgroup(read('/proc/self/mountinfo'), read('/proc/self/cgroup'));
  } catch (error) {
    return no(`/proc/self/cgroup cannot be read: ${codeOf(error)}`);
  }
  if (parent === undefined) return no('no cgroup of version 2 is mounted that holds this process');
  const path = cgroupPath(parent, randomBytes(16).toString('hex'));
  try {
    mkdirSync(path);
  } catch (error) {
    return no(`no cgroup can be made in ${parent}: ${codeOf(error)}`);
  }
  try {
    return tryOut(parent, path, read);
  } catch (error) {
    return no(`${path} cannot be read: ${codeOf(error)}`);
  } finally {
    systemCgroups.remove(path);
  }
};
