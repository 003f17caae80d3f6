import { mkdtempSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as cgroup from './cgroup.mjs';
import { temporaryDirectory } from './mark.mjs';
import { livingRow } from './observer.mjs';
import { pids } from './proc.mjs';

/** What goes on as another process every millisecond can be missed by one look. */
const LOOKS = 3;
const END_MS = 10_000;

const workingIn = (directory) =>
  pids().filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === directory;
    } catch {
      // Gone, or a zombie: that works nowhere.
      return false;
    }
  });

/**
 * What one specimen is kept in, apart from all others. Two marks that no peer looks at tell who belongs to it: the directory it works in,
 * and a cgroup where one can be made.
 */
export const createCell = ({ observer, work }) => {
  const directory = realpathSync(mkdtempSync(join(temporaryDirectory(), 'cell-')));
  const own = work === undefined ? undefined : join(work, basename(directory));
  const cgroups = own === undefined ? [] : [own];
  for (const one of cgroups) cgroup.make(one);
  const look = () => [...new Set([...workingIn(directory), ...cgroups.flatMap(cgroup.membersOf)])].flatMap(livingRow);
  /** How many are alive: the most that one look has seen, and somebody where the kernel says so. */
  const count = () =>
    Math.max(cgroups.some(cgroup.isPopulated) ? 1 : 0, ...Array.from({ length: LOOKS }, () => look().length));
  return {
    directory,
    cgroup: own,
    processes: look,
    count,
    /** It lives in a cgroup that was made by whoever started it. */
    watch: (another) => {
      if (!observer.owns(another)) throw new Error('its cgroup is not one that can be observed');
      cgroups.push(another);
    },
    /** Ends whoever is left. */
    end: async () => {
      for (const endsAt = performance.now() + END_MS; count() > 0; await pause(5)) {
        if (performance.now() > endsAt) throw new Error('the observer could not end what was left');
        for (const one of cgroups) if (cgroup.isPopulated(one)) cgroup.killAll(one);
        for (const { pid } of look()) {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // Gone.
          }
        }
      }
    },
    close: () => {
      for (const one of cgroups) cgroup.remove(one);
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
