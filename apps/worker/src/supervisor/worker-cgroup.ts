import { randomBytes } from 'node:crypto';
import { mkdirSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Cgroups, cgroupPath, isCgroupPath, systemCgroups } from '@cm/shutdown-cascade';
import type { RowContainment } from './row-containment.js';

const attempt = (run: () => void): void => {
  try {
    run();
  } catch {
    // There already, not there any more, or not empty: whoever needs it will say so.
  }
};

/**
 * The cgroup around the cgroups of all rows that end with this worker: one order to the kernel ends them all. It exists while there are
 * rows in it, so that one is on record whenever it does.
 */
export interface WorkerCgroup {
  /** Where the groups of rows are made; undefined without cgroups. */
  readonly parent: string | undefined;
  /** Where those of rows are made that are to outlive the worker. */
  readonly keptParent: string | undefined;
  /** The system's, which make this one on the way. */
  readonly cgroups: Cgroups;
}

export const createWorkerCgroup = ({ cgroupParent }: RowContainment): WorkerCgroup => {
  const parent = cgroupParent === undefined ? undefined : cgroupPath(cgroupParent, randomBytes(16).toString('hex'));
  return {
    parent,
    keptParent: cgroupParent,
    cgroups: {
      ...systemCgroups,
      create: (path) => {
        if (parent !== undefined && dirname(path) === parent) attempt(() => mkdirSync(parent));
        systemCgroups.create(path);
      },
    },
  };
};

/** Removes the cgroup of a row of which nothing lives, and the one around it when it was the last in there, of whichever worker. */
export const removeRowCgroup = (path: string | undefined): void => {
  if (path === undefined || !isCgroupPath(path)) return;
  systemCgroups.remove(path);
  const around = dirname(path);
  if (isCgroupPath(around)) attempt(() => rmdirSync(around));
};
