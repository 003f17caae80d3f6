import { readdirSync, readFileSync } from 'node:fs';

const read = (path) => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
};

/** What an observer needs of `/proc/PID/stat`, read without the code that is being measured. */
export const statOf = (pid) => {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  return {
    pid,
    command: text.slice(text.indexOf('(') + 1, close),
    state: fields[0],
    ppid: Number(fields[1]),
    startTicks: fields[19],
  };
};

export const pids = () => readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));

/** Every process, as the shortest program that one would write reads it. It is also a peer. */
export const naiveScan = () => pids().flatMap((pid) => statOf(pid) ?? []);

/** The pids below one, in one listing. */
export const below = (rows, root) => {
  const children = new Map();
  for (const { pid, ppid } of rows) {
    const siblings = children.get(ppid);
    if (siblings === undefined) children.set(ppid, [pid]);
    else siblings.push(pid);
  }
  const found = [];
  for (const queue = [root]; queue.length > 0; ) {
    const next = children.get(queue.pop()) ?? [];
    found.push(...next);
    queue.push(...next);
  }
  return found;
};

export const isZombie = ({ state }) => state === 'Z' || state === 'X';

/** Still the process of this start tick, and no zombie. */
export const isAlive = ({ pid, startTicks }) => {
  const now = statOf(pid);
  return now !== undefined && now.startTicks === startTicks && !isZombie(now);
};
