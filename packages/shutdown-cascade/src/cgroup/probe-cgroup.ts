import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupPath } from './cgroup-path.js';
import { systemCgroups } from './cgroups.js';
import { findOwnCgroup } from './find-own-cgroup.js';

export type CgroupProbe =
  /** Groups can be made in this directory. */
  { readonly available: true; readonly parent: string } | { readonly available: false; readonly why: string };

const PROBE_TIMEOUT_MS = 5_000;

const no = (why: string): CgroupProbe => ({ available: false, why });

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

const tryOut = (parent: string, path: string): CgroupProbe => {
  if (!existsSync(join(path, 'cgroup.kill'))) return no('the kernel has no cgroup.kill (it came with Linux 5.14)');
  // Moving a process needs more rights than making a group: to its files and to those of the common ancestor (cgroups(7)).
  const joined = spawnSync('/bin/sh', ['-c', 'echo $$ >"$1/cgroup.procs"', 'sh', path], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: PROBE_TIMEOUT_MS,
    encoding: 'utf8',
  });
  if (joined.status === 0) return { available: true, parent };
  const reason = joined.error?.message ?? joined.stderr.trim().split('\n')[0];
  return no(`a process cannot join a cgroup below ${parent}: ${reason || 'it was refused'}`);
};

/** Tries the strongest tier out: makes a group below our own, lets a process join it, and removes it again. Some milliseconds. */
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
    return tryOut(parent, path);
  } finally {
    systemCgroups.remove(path);
  }
};
