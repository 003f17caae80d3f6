/**
 * Says from outside when everything that a peer had to stop is gone. Each driver gets two cgroups beside each other, one for itself and
 * one for its workload; `cgroup.events` of the second is the verdict. Where no cgroup can be made, the states in `/proc` are.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import * as cgroup from './cgroup.mjs';
import { below, isAlive, isZombie, naiveScan, statOf } from './proc.mjs';

/** Between two looks. Short beside every figure, long enough to leave the processor to those who are measured. */
const LOOK_EVERY_MS = 0.1;
/** For so long one look follows another before messages are read. */
const BURST_MS = 4;
const never = new Int32Array(new SharedArrayBuffer(4));
const doze = (ms) => Atomics.wait(never, 0, 0, ms);

export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** Runs a command after it has entered a cgroup by itself: `/bin/sh` with these arguments. */
export const joining = (directory, command, args) =>
  directory === undefined
    ? [command, args]
    : ['/bin/sh', ['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', directory, command, ...args]];

/** Looks until the verdict is in: `{ atMs }`, or `{ left: true }` once `patience()` is exhausted. */
export const watchUntil = async (isGone, patience, signal) => {
  for (;;) {
    const until = nowMs() + BURST_MS;
    do {
      if (isGone()) return { atMs: nowMs(), left: false };
      doze(LOOK_EVERY_MS);
    } while (nowMs() < until);
    await turn();
    signal?.throwIfAborted();
    if (patience()) return { atMs: nowMs(), left: true };
  }
};

/** Looks at the first of them that is still alive, so that a thousand cost no more than one. */
export const goneByState = (processes) => {
  const open = [...processes];
  return () => {
    while (open.length > 0 && !isAlive(open[open.length - 1])) open.pop();
    return open.length === 0;
  };
};

export const livingRow = (pid) => {
  const row = statOf(pid);
  return row === undefined || isZombie(row) ? [] : [row];
};

const createByState = (why) => ({
  kind: 'proc',
  note: `Observed through the states in /proc: ${why}`,
  place: () => ({ driver: undefined, work: undefined }),
  owns: () => false,
  find: (leaders) => {
    const rows = naiveScan();
    const all = leaders.flatMap((leader) => [leader, ...below(rows, leader)]);
    return { processes: all.flatMap(livingRow), directories: [] };
  },
  gone: ({ processes }) => goneByState(processes),
  end: ({ processes }) => {
    for (const one of processes.filter(isAlive)) process.kill(one.pid, 'SIGKILL');
  },
  close: async () => {},
});

const createByCgroup = (mount, base) => {
  const placed = [];
  // A leader that left its cgroup, or never entered it, is in one that holds others: nothing but what was made for a workload is ended.
  const isOurs = (directory) =>
    directory.startsWith(`${base}/`) &&
    !placed.some(({ driver }) => driver === directory || driver.startsWith(`${directory}/`));
  return {
    kind: 'cgroup',
    note: 'Observed through cgroup.events of a cgroup v2 around the workload',
    place: () => {
      const own = join(base, String(placed.length));
      const place = { driver: join(own, 'driver'), work: join(own, 'work') };
      for (const directory of Object.values(place)) cgroup.make(directory);
      placed.push(place);
      return place;
    },
    owns: isOurs,
    /** Ours makes cgroups of its own, wherever that may be: the cgroups to watch are those in which the workload is. */
    find: (leaders) => {
      const all = [...new Set(leaders.flatMap((pid) => cgroup.directoryOf(mount, pid) ?? []))];
      // Not yet where it is to be.
      const directories = all.every(isOurs) ? all : [];
      return { processes: directories.flatMap(cgroup.membersOf).flatMap(livingRow), directories };
    },
    gone:
      ({ directories }) =>
      () =>
        !directories.some(cgroup.isPopulated),
    end: ({ directories }) => {
      for (const directory of directories) if (isOurs(directory)) cgroup.killAll(directory);
    },
    close: async () => {
      cgroup.killAll(base);
      for (let look = 0; look < 100 && cgroup.isPopulated(base); look += 1) await pause(10);
      cgroup.remove(base);
    },
  };
};

export const createObserver = () => {
  const mount = cgroup.mountHere();
  if (mount === undefined) return createByState('there is no cgroup v2 mount');
  try {
    const own = cgroup.directoryIn(mount, readFileSync('/proc/self/cgroup', 'utf8'));
    const base = join(own, `cm-bench-${process.pid}`);
    cgroup.make(base);
    return createByCgroup(mount, base);
  } catch (error) {
    return createByState(`no cgroup can be made (${error.code ?? error.message})`);
  }
};
