import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, pids, statOf } from './proc.mjs';

const NAME = 'BENCHMARK_RUN';
const value = randomUUID();
const entry = `${NAME}=${value}`;

/** Where everything that this run writes lies, its results apart. Made when it is first asked for. */
let directory;
export const temporaryDirectory = () => {
  directory ??= mkdtempSync(join(tmpdir(), 'cm-bench-'));
  return directory;
};

/** What is started with this can be found again, whoever its parent is by then. */
export const markedEnvironment = () => ({ ...process.env, TMPDIR: temporaryDirectory(), [NAME]: value });

/** Those that drop the environment they were given, to be ended all the same. */
const known = new Map();
export const remember = (pid) => {
  const row = statOf(pid);
  if (row !== undefined) known.set(pid, row);
};

const marked = () =>
  pids().filter((pid) => {
    if (pid === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(entry);
    } catch {
      return false;
    }
  });

/** Ends everything that this run has started and that is still there. */
export const endProcesses = async () => {
  for (let look = 0; look < 20; look += 1) {
    const left = [...marked(), ...[...known.values()].filter(isAlive).map(({ pid }) => pid)];
    if (left.length === 0) break;
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone.
      }
    }
    await pause(10);
  }
};

/** The same, and removes what it wrote. */
export const endEverything = async () => {
  await endProcesses();
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
};
