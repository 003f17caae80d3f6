/** Processes that nobody may touch: of the same arguments as those that are to be stopped, and each the leader of a group of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { COOKIE_VARIABLE } from '@cm/process-table';
import { markedEnvironment } from './mark.mjs';
import { namespaceNote } from './own-namespace.mjs';
import { isAlive, statOf } from './proc.mjs';

const LAST_PID = '/proc/sys/kernel/ns_last_pid';
const ATTEMPTS = 50;
const ASLEEP_MS = 10_000;

/** Every second one carries a cookie, of somebody else. */
const startDecoy = async (args, at) => {
  const env = { ...markedEnvironment(), ...(at % 2 === 0 ? {} : { [COOKIE_VARIABLE]: `somebody-else-${at}` }) };
  const child = spawn('sleep', args, { env, stdio: 'ignore', detached: true });
  await once(child, 'spawn');
  return child;
};

const end = async (child) => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
};

export const startDecoys = (args, count) => Promise.all(Array.from({ length: count }, (_, at) => startDecoy(args, at)));

/** Why no pid can be given to another process here; undefined where it can. Outside a namespace that is all ours it would be a stranger's turn. */
export const cannotTakePids = () => {
  if (namespaceNote === undefined) return 'needs a PID namespace of its own (root)';
  try {
    writeFileSync(LAST_PID, readFileSync(LAST_PID, 'utf8').trim());
    return undefined;
  } catch (error) {
    return `${LAST_PID} cannot be written (${error.code})`;
  }
};

/** A decoy under the pid of a process that has ended and been waited for. */
const takePid = async (pid, args, at) => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    // The next pid that the kernel hands out in this namespace is the one after this (pid_namespaces(7)).
    writeFileSync(LAST_PID, String(pid - 1));
    const child = await startDecoy(args, at);
    if (child.pid === pid) return child;
    await end(child);
  }
  throw new Error(`pid ${pid} could not be taken again`);
};

export const takePids = async (pids, args) => {
  const children = [];
  for (const [at, pid] of pids.entries()) children.push(await takePid(pid, args, at));
  return children;
};

export const endDecoys = (children) => Promise.all(children.map(end));

/** How often it has gone to sleep: a signal wakes it, also one that stops it, and one that lets it go on. */
const sleepsOf = (pid) => /^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];

const untilAsleep = async (children) => {
  const isAsleep = ({ pid }) => {
    const row = statOf(pid);
    return row?.command === 'sleep' && row.state === 'S';
  };
  for (const endsAt = performance.now() + ASLEEP_MS; !children.every(isAsleep); await pause(5)) {
    if (performance.now() > endsAt) throw new Error('the decoys are not up');
  }
  // One may be seen in the sleep before the last.
  await pause(50);
};

/** Looks at them now; what it returns tells how many of them have been signalled, or have ended, since. */
export const watchDecoys = async (children) => {
  await untilAsleep(children);
  const before = children.map(({ pid }) => ({ row: statOf(pid), sleeps: sleepsOf(pid) }));
  return () => before.filter(({ row, sleeps }) => !isAlive(row) || sleepsOf(row.pid) !== sleeps).length;
};
