import { type ChildProcess, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import type { ProcessRecord, ProcessRegistry } from '@cm/process-registry';
import type { Clock } from '@cm/process-table';
import { isCgroupPath } from '@cm/shutdown-cascade';
import { GUARDIAN_LAUNCHER, GUARDIAN_SCRIPT, GUARDIAN_VARIABLE } from './guardian-script.js';
import type { Log } from './log.js';

export type GuardianStatus =
  | { readonly status: 'running'; readonly pid: number; readonly detail: string }
  /** Not there, and will not be: this system has none. */
  | { readonly status: 'absent'; readonly detail: string }
  /** It ended although nobody had asked it to; another one is on its way. */
  | { readonly status: 'lost'; readonly detail: string };

/** Ends the processes of a worker that was killed: a shell on a pipe that only the worker holds. */
export interface Guardian {
  status(): GuardianStatus;
  /** Lets it leave without touching anybody. Resolves when it has. */
  close(): Promise<void>;
}

export interface GuardianOptions {
  readonly registry: Pick<ProcessRegistry, 'getAll' | 'subscribe'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The cgroup around those of the rows, if there is one: what is in there needs no entry of its own. */
  readonly workerCgroup?: string | undefined;
  /** The real path: it works in there, and names it. */
  readonly dataDirectory: string;
  /** What it runs for those that had left their group; without it they wait for the next worker. */
  readonly recoverWith?: { readonly execPath: string; readonly entry: string } | undefined;
  /** What it takes PATH and HOME from. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform?: NodeJS.Platform;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 10_000;
/** It lived that long: whatever ended it was no fault of its own. */
const STEADY_MS = 10_000;
const CLOSE_MS = 1_000;

/** What the guardian needs to know of a row: nothing while it has no process, has ended, or is to be kept. */
const entriesOf = (row: ProcessRecord, workerCgroup: string | undefined): string[] => {
  const { cgroup = '', identity, pgid, onWorkerDeath, adopted, attached } = row;
  if (onWorkerDeath === 'keep') return [];
  const named = isCgroupPath(cgroup) && !cgroup.includes('\n') && dirname(cgroup) !== workerCgroup;
  const held = named ? [`c:${cgroup}`] : [];
  const grouped = identity !== undefined && pgid === identity.pid && (attached || !adopted);
  return grouped ? [...held, `g:${pgid}:${identity.startToken}`] : held;
};

/** Starts the guardian of a worker, and again whenever it is killed. It follows the registry. */
export const startGuardian = (options: GuardianOptions): Guardian => {
  const { registry, clock, log, dataDirectory, recoverWith, env, workerCgroup, platform = process.platform } = options;
  if (platform === 'win32') {
    const detail = 'not on Windows: after an end of the worker by force the next start cleans up';
    return { status: () => ({ status: 'absent', detail }), close: async () => {} };
  }
  let child: ChildProcess | undefined;
  let closing = false;
  let pauseMs = FIRST_PAUSE_MS;
  let restart: NodeJS.Timeout | undefined;

  const tell = (...lines: readonly string[]): void => {
    if (lines.length > 0) child?.stdin?.write(lines.map((line) => `${line}\n`).join(''));
  };

  const start = (): void => {
    const startedAtMs = clock.monotonicMs();
    const { PATH = '/usr/bin:/bin', HOME = '/' } = env;
    const { execPath = '', entry = '' } = recoverWith ?? {};
    const started = spawn(
      '/bin/sh',
      ['-c', GUARDIAN_LAUNCHER, 'cm-guardian', execPath, entry, dataDirectory, String(process.pid)],
      // A session of its own: whoever ends the worker's group or terminal leaves it alone.
      {
        cwd: dataDirectory,
        env: { PATH, HOME, [GUARDIAN_VARIABLE]: GUARDIAN_SCRIPT },
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
      },
    );
    child = started;
    started.unref();
    started.stdin.on('error', () => {
      // It is gone; its exit says so.
    });
    // The pipe must not keep a worker alive that has nothing else to do.
    if ('unref' in started.stdin && typeof started.stdin.unref === 'function') started.stdin.unref();
    const lost = (reason: string): void => {
      if (child !== started) return;
      child = undefined;
      if (closing) return;
      if (clock.monotonicMs() - startedAtMs > STEADY_MS) pauseMs = FIRST_PAUSE_MS;
      log.warn({ reason, againInMs: pauseMs }, 'the guardian is gone');
      restart = setTimeout(start, pauseMs);
      restart.unref();
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    };
    started.on('error', (error) => lost(error.message));
    started.on('exit', (code, signal) => lost(signal ?? `exit ${code}`));
    const around = workerCgroup === undefined || workerCgroup.includes('\n') ? [] : [`+c:${workerCgroup}`];
    tell(...around, ...registry.getAll().flatMap((row) => entriesOf(row, workerCgroup).map((entry) => `+${entry}`)));
  };

  const told = new Map<string, readonly string[]>(
    registry.getAll().map((row) => [row.id, entriesOf(row, workerCgroup)]),
  );
  const unsubscribe = registry.subscribe(({ type, row }) => {
    const before = told.get(row.id) ?? [];
    const after = type === 'removed' ? [] : entriesOf(row, workerCgroup);
    if (after.length > 0) told.set(row.id, after);
    else told.delete(row.id);
    tell(
      ...before.filter((entry) => !after.includes(entry)).map((entry) => `-${entry}`),
      ...after.filter((entry) => !before.includes(entry)).map((entry) => `+${entry}`),
    );
  });
  start();

  return {
    status: () =>
      child?.pid === undefined
        ? { status: 'lost', detail: 'it was ended; another one is on its way' }
        : { status: 'running', pid: child.pid, detail: 'ends every process at once if this worker is killed' },
    close: async () => {
      closing = true;
      unsubscribe();
      clearTimeout(restart);
      const last = child;
      if (last === undefined) return;
      const gone = new Promise<void>((resolve) => last.once('exit', () => resolve()));
      last.ref();
      last.stdin?.end('.\n');
      const bound = new AbortController();
      await Promise.race([gone, clock.sleep(CLOSE_MS, bound.signal).then(() => void last.kill('SIGKILL'))]);
      bound.abort();
    },
  };
};
