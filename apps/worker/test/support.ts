import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type PidRecord, peek, readPidFile } from '@cm/pid-file/read';
import { createProcessTable, type ProcessTable } from '@cm/process-table';
import { eventually as eventuallyWithin } from '../../../tools/testing/eventually.js';
import { type Finished, type RealProcess, runToEnd, startProcess } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { type CallOptions, type CallResult, callWorker, readToken } from '../src/client/index.js';
import {
  type DataDirectory,
  dataDirectoryAt,
  namesDataDirectory,
  type ProcessView,
  ROUTES,
  type SessionView,
} from '../src/contract/index.js';

const here = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

const PACKAGE = here('..');

/** As everywhere, but with the patience that a loaded machine asks for: it bounds a failure, not a success. */
export const eventually = <T>(
  what: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 30_000,
): Promise<T> => eventuallyWithin(what, check, deadlineMs);

/** The built command: what real tests are about. */
export const BUNDLE: string = join(PACKAGE, 'dist', 'cm-worker.js');

const newest = (path: string): number => {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  return stats.isDirectory()
    ? Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))))
    : stats.mtimeMs;
};

const isFresh = (): boolean => {
  const packages = here('../../../packages');
  const sources = readdirSync(packages).map((name) => join(packages, name, 'src'));
  const changedAt = Math.max(...[...sources, join(PACKAGE, 'src'), join(PACKAGE, 'tsup.config.ts')].map(newest));
  return (statSync(BUNDLE, { throwIfNoEntry: false })?.mtimeMs ?? 0) > changedAt;
};

/** Vitest's global set-up: builds the bundle where it is missing or older than its sources. */
export const setup = async (): Promise<void> => {
  if (isFresh()) return;
  // Beside the real one and then renamed: whoever runs the bundle in the meantime sees a whole file.
  const output = mkdtempSync(join(PACKAGE, '.vitest-build-'));
  try {
    const tsup = here('../../../node_modules/.bin/tsup');
    const args = ['--config', 'test/tsup.bundle.ts', '--out-dir', output];
    const built = await runToEnd(tsup, args, { cwd: PACKAGE, deadlineMs: 180_000 });
    if (built.code !== 0 || !existsSync(join(output, 'cm-worker.js'))) throw new Error(built.stdout + built.stderr);
    renameSync(join(output, 'cm-worker.js'), BUNDLE);
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
};

/** The daemons of a data directory, by their command lines. */
export const daemonsOf = (dataDir: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return args.slice(2, 5).join(' ') === `run --data-dir ${dataDir}`;
      } catch {
        return false;
      }
    })
    .map(Number);

/** A port that is free at this moment. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
};

export interface CmOptions {
  /** Over the place's own; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly cwd?: string;
  readonly deadlineMs?: number;
  readonly uid?: number;
}

/** A data directory, a home and a port of one test, with the command that works on them. */
export interface Place extends AsyncDisposable {
  /** Around everything. */
  readonly path: string;
  readonly home: string;
  /** Not created yet. */
  readonly dataDir: string;
  readonly files: DataDirectory;
  /** `CM_WORKER_PORT`: free when the place was made. */
  readonly port: number;
  readonly table: ProcessTable;
  env(over?: CmOptions['env']): Record<string, string>;
  /** Runs the command to its end. */
  cm(args: readonly string[], options?: CmOptions): Promise<Finished>;
  /** The same with `--json`, and what it printed, parsed. */
  json(args: readonly string[], options?: CmOptions): Promise<{ readonly code: number | null; readonly body: unknown }>;
  /** Starts the command and leaves it running, until the returned process leaves scope. */
  running(args: readonly string[], options?: CmOptions): Promise<RealProcess>;
  /** Starts the worker, or finds it running. */
  start(...args: string[]): Promise<PidRecord>;
  /** What worker.pid says. */
  record(): PidRecord;
  /** Asks the API; fails the test when it refuses. */
  call(options: CallOptions): Promise<unknown>;
  /** Asks the API and returns whatever it answers. */
  ask(options: CallOptions): Promise<CallResult>;
  session(id: string): Promise<SessionView>;
  processes(): Promise<ProcessView[]>;
  /** Has the worker spawn something in a session, which is created. */
  spawn(sessionId: string, name: string, command: readonly [string, ...string[]], more?: object): Promise<ProcessView>;
  /** The pid of the worker's guardian. */
  guardian(): Promise<number>;
  /** SIGKILL for the worker and its guardian at once: what lives on is for the next start. */
  killWithGuardian(): Promise<void>;
  isAlive(pid: number): Promise<boolean>;
  gone(pid: number): Promise<unknown>;
}

const whole = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));

/** Asks the worker to go, then ends it by identity, and with it whatever carries a cookie of this data directory. */
const clear = async (files: DataDirectory, table: ProcessTable): Promise<void> => {
  const reading = readPidFile(files.pidFile);
  const isWorker = async (record: PidRecord): Promise<boolean> =>
    peek(record) === 'alive' && (await table.commandLine(record)).includes('run');
  if (reading.status === 'found' && (await isWorker(reading.record))) {
    const { record } = reading;
    const { ok } = await callWorker(record, readToken(files), {
      route: ROUTES.shutdown,
      body: { force: true },
      timeoutMs: 3_000,
    });
    const left = (): boolean => peek(record) === 'dead';
    await eventually('the worker stops', left, ok ? 10_000 : 0).catch(() => table.signal(record, 'SIGKILL'));
    await eventually('the worker is gone', left);
  }
  // One whose PID file a test took away, or that came late: nobody else has a directory of this name.
  for (const pid of daemonsOf(files.path)) {
    const found = await table.identify(pid);
    if (found.status === 'alive') await table.signal(found.process.identity, 'SIGKILL');
  }
  for (const { identity, cookie } of await table.list({ cookies: true })) {
    if (namesDataDirectory(cookie, files.path)) await table.signal(identity, 'SIGKILL');
  }
};

/** Something of its own for every test: `await using place = await workerPlace()`. Leaves no process behind. */
export const workerPlace = async (): Promise<Place> => {
  const directory = await temporaryDirectory();
  const { path } = directory;
  const port = await freePort();
  const table = createProcessTable();
  const dataDir = join(path, 'data');
  const files = dataDirectoryAt(dataDir);
  const env: Place['env'] = (over = {}) =>
    whole({ PATH: process.env.PATH, HOME: path, CM_DATA_DIR: dataDir, CM_WORKER_PORT: String(port), ...over });
  const optionsOf = ({ env: over, cwd = path, uid }: CmOptions) => ({
    cwd,
    env: env(over),
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const cm: Place['cm'] = (args, options = {}) =>
    runToEnd(process.execPath, [BUNDLE, ...args], {
      ...optionsOf(options),
      ...(options.input === undefined ? {} : { input: options.input }),
      deadlineMs: options.deadlineMs ?? 60_000,
    });
  const record = (): PidRecord => {
    const reading = readPidFile(files.pidFile);
    if (reading.status !== 'found') throw new Error(`worker.pid is ${reading.status}`);
    return reading.record;
  };
  const ask: Place['ask'] = (options) => callWorker(record(), readToken(files), { timeoutMs: 20_000, ...options });
  const call: Place['call'] = async (options) => {
    const answer = await ask(options);
    if (!answer.ok)
      throw new Error(`${options.route.path}: ${answer.code} ${answer.error.code} ${answer.error.message}`);
    return answer.body;
  };
  const gone: Place['gone'] = (pid) => eventually(`the end of process ${pid}`, async () => !(await isAlive(pid)));
  const guardian: Place['guardian'] = async () => {
    const { pid } = Object(await call({ route: ROUTES.doctor })).guardian;
    if (typeof pid !== 'number') throw new Error('the worker has no guardian');
    return pid;
  };
  const isAlive: Place['isAlive'] = async (pid) => (await table.identify(pid)).status === 'alive';
  return {
    path,
    home: path,
    dataDir,
    files,
    port,
    table,
    env,
    cm,
    json: async (args, options) => {
      const [verb = '', ...rest] = args;
      const { code, stdout } = await cm([verb, '--json', ...rest], options);
      return { code, body: stdout === '' ? undefined : (JSON.parse(stdout) as unknown) };
    },
    running: async (args, options = {}) => {
      const started = await startProcess(process.execPath, [BUNDLE, ...args], optionsOf(options));
      return { ...started, line: (deadlineMs = 60_000) => started.line(deadlineMs) };
    },
    start: async (...args) => {
      const attempt = () => cm(['start', ...args]);
      const first = await attempt();
      // On a machine that is starved for seconds it says so and goes on; nothing was undone.
      const started = first.stderr.includes('not ready in time') ? await attempt() : first;
      if (started.code !== 0) throw new Error(`start: ${started.code} ${started.stdout}${started.stderr}`);
      return record();
    },
    record,
    call,
    ask,
    session: async (id) => (await call({ route: ROUTES.getSession, parameters: { id } })) as SessionView,
    processes: async () => ((await call({ route: ROUTES.listProcesses })) as { processes: ProcessView[] }).processes,
    spawn: async (id, name, [command, ...args], more = {}) => {
      await call({ route: ROUTES.putSession, parameters: { id }, body: {} });
      const body = { name, command, args, graceMs: 500, ...more };
      return (await call({ route: ROUTES.spawnProcess, parameters: { id }, body })) as ProcessView;
    },
    guardian,
    killWithGuardian: async () => {
      const both = [await guardian(), record().pid];
      // Stopped first: the one must not notice the end of the other.
      for (const pid of both) process.kill(pid, 'SIGSTOP');
      for (const pid of both) process.kill(pid, 'SIGKILL');
      for (const pid of both) await gone(pid);
    },
    isAlive,
    gone,
    [Symbol.asyncDispose]: async () => {
      await clear(files, table);
      await directory[Symbol.asyncDispose]();
    },
  };
};

/** The only line of a text, without its end; fails when there is more or less than one. */
export const onlyLine = (text: string): string => {
  const lines = text.split('\n');
  if (lines.length !== 2 || lines[1] !== '' || lines[0] === '')
    throw new Error(`not one line: ${JSON.stringify(text)}`);
  return lines[0] ?? '';
};

export const isRoot: boolean = process.getuid?.() === 0;

/** For tests that only root can run: says so where they are skipped. */
export const needsRoot = (what: string): boolean => {
  if (!isRoot) console.warn(`skipped, only root can: ${what}`);
  return isRoot;
};
