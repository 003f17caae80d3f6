import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SpooledEvent } from '@cm/worker/contract';
import { runToEnd } from '../../../tools/testing/real-process.js';
import { type TemporaryDirectory, temporaryDirectory } from '../../../tools/testing/temporary-directory.js';

const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), '..');
const ROOT = join(PACKAGE, '..', '..');

/** The built hook: what these tests are about. */
export const HOOK: string = join(PACKAGE, 'dist', 'cm-hook.cjs');

const SOURCES = [
  join(PACKAGE, 'src'),
  join(PACKAGE, 'tsup.config.ts'),
  join(PACKAGE, 'lazy-builtins.ts'),
  join(ROOT, 'apps/worker/src/client'),
  join(ROOT, 'apps/worker/src/contract'),
  ...['pid-file', 'env-sanitizer', 'health'].map((name) => join(ROOT, 'packages', name, 'src')),
];

const newest = (path: string): number => {
  const stats = statSync(path);
  return stats.isDirectory()
    ? Math.max(...readdirSync(path).map((name) => newest(join(path, name))))
    : Math.max(stats.mtimeMs, stats.ctimeMs);
};

/** Builds the hook where it is missing or older than what goes into it. For `beforeAll`. */
export const buildHook = async (): Promise<void> => {
  if (existsSync(HOOK) && statSync(HOOK).mtimeMs > Math.max(...SOURCES.map(newest))) return;
  const tsup = join(ROOT, 'node_modules', '.bin', 'tsup');
  const { code, stdout, stderr } = await runToEnd(tsup, ['--no-dts'], { cwd: PACKAGE, deadlineMs: 60_000 });
  if (code !== 0) throw new Error(`tsup failed: ${stdout}${stderr}`);
};

/** A worker script of `test/fixtures`. */
export const fakeWorker = (name: 'exits-at-once' | 'stays' | 'answers'): string =>
  join(PACKAGE, 'test', 'fixtures', `${name}.cjs`);

/** What a fake worker wrote down of how it was started. */
export interface Spawn {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly streams: readonly string[];
  readonly sid: number;
}

export interface HookRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface HookOptions {
  readonly args?: readonly string[];
  readonly input?: string | Buffer | readonly (string | Buffer)[];
  /** Leave stdin open after the input. */
  readonly open?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly nodeArgs?: readonly string[];
  readonly cwd?: string;
  readonly uid?: number;
  readonly hook?: string;
}

export interface HookHome extends AsyncDisposable {
  /** The temporary directory around everything. */
  readonly path: string;
  readonly home: string;
  readonly dataDir: string;
  run(options?: HookOptions): Promise<HookRun>;
  events(): SpooledEvent[];
  eventFiles(): string[];
  notes(): { readonly code: string; readonly event: string; readonly detail: string }[];
  spawns(): Spawn[];
}

const lines = (path: string): string[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];

const runHook = async (options: HookOptions, env: Record<string, string | undefined>): Promise<HookRun> => {
  const { args = ['PostToolUse'], input = '', open = false, nodeArgs = [], hook = HOOK, uid, cwd } = options;
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...nodeArgs, hook, ...args], {
    env,
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const ended = new Promise<number>((resolve) => child.once('exit', () => resolve(performance.now())));
  const closed = once(child, 'close');
  // A hook that left before it read everything is the test's subject, not its failure.
  child.stdin.on('error', () => {});
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // As a host does: at once, in the tick of the start.
  const parts: readonly (string | Buffer)[] = typeof input === 'string' || Buffer.isBuffer(input) ? [input] : input;
  for (const part of parts) child.stdin.write(part);
  if (!open) child.stdin.end();
  const hung = setTimeout(() => child.kill('SIGKILL'), 60_000);
  try {
    const durationMs = (await ended) - startedAt;
    child.stdin.destroy();
    await closed;
    return { code: child.exitCode, signal: child.signalCode, stdout, stderr, durationMs };
  } finally {
    clearTimeout(hung);
  }
};

/** Ends a fake worker, if the pid is still its own: its command line names the data directory of this one test. */
const endFake = (pid: number, dataDir: string): void => {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(dataDir)) process.kill(pid, 'SIGKILL');
  } catch {
    // Gone.
  }
};

/** A home and a data directory of one test. No worker is started unless its `CM_WORKER_ENTRY` names a fake one. */
export const hookHome = async (): Promise<HookHome> => {
  const directory: TemporaryDirectory = await temporaryDirectory();
  const home = join(directory.path, 'home');
  const dataDir = join(directory.path, 'data');
  mkdirSync(home);
  const eventFiles = (): string[] => {
    const spool = join(dataDir, 'spool', 'new');
    return existsSync(spool) ? readdirSync(spool).sort() : [];
  };
  const hooks: HookHome = {
    path: directory.path,
    home,
    dataDir,
    eventFiles,
    events: () => eventFiles().map((name) => JSON.parse(readFileSync(join(dataDir, 'spool', 'new', name), 'utf8'))),
    notes: () => lines(join(dataDir, 'logs', 'hook.log')).map((line) => JSON.parse(line)),
    spawns: () => lines(join(dataDir, 'spawns.jsonl')).map((line) => JSON.parse(line)),
    run: (options = {}) =>
      runHook(options, {
        PATH: process.env.PATH,
        HOME: home,
        CM_DATA_DIR: dataDir,
        CM_WORKER_ENTRY: join(directory.path, 'no-worker.js'),
        ...options.env,
      }),
    [Symbol.asyncDispose]: async () => {
      for (const { pid } of hooks.spawns()) endFake(pid, dataDir);
      // A test may have taken the right to write away.
      if (existsSync(dataDir)) chmodSync(dataDir, 0o700);
      await directory[Symbol.asyncDispose]();
    },
  };
  return hooks;
};

/** How long a start of Node that does nothing takes here and now, in milliseconds. */
export const bareStartMs = async (): Promise<number> => (await runToEnd(process.execPath, ['-e', '0'])).durationMs;

/**
 * Runs a hook until it takes less than the bound, five times at most, and returns that run; throws when none did. A hook that
 * waits where it should not waits every time; a busy machine, whose share is measured beside it, does not.
 */
export const inLessThan = async (boundMs: number, run: () => Promise<HookRun>): Promise<HookRun> => {
  const tried: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    const allowedMs = boundMs + 5 * (await bareStartMs());
    const done = await run();
    if (done.durationMs < allowedMs) return done;
    tried.push(`${Math.round(done.durationMs)} of ${Math.round(allowedMs)}`);
  }
  throw new Error(`took too long every time, in ms: ${tried.join(', ')}`);
};

/** The start token of a process, as a PID file holds it. */
export const startTokenOf = (pid: number): string => {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
};
