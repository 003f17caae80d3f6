import { randomBytes } from 'node:crypto';
import { accessSync, constants, statSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { basename, delimiter, join, resolve } from 'node:path';
import { claudeCodePolicy, sanitizeEnv } from '@cm/env-sanitizer';
import { createProcessTable } from '@cm/process-table';
import { type ContainedProcess, isShutdownCascadeError, spawnContained } from '@cm/shutdown-cascade';
import { dataDirectoryAt, type ProcessView, ROUTES, scopeCookie } from '../../contract/index.js';
import { type CommonOptions, dataDirectoryOf } from '../common-options.js';
import { type Connection, connect } from '../connect.js';
import { plain } from '../format.js';
import { CommandError, EXIT, type Terminal } from '../terminal.js';

export interface ExecOptions extends CommonOptions {
  readonly session: string;
  readonly create?: boolean;
  readonly name?: string;
  readonly type?: string;
  readonly env?: readonly string[];
  readonly detach?: boolean;
  readonly restart?: string;
}

/** `K=V` pairs. @throws CommandError 2 */
const parsePairs = (pairs: readonly string[] = []): Record<string, string> =>
  Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new CommandError(EXIT.usage, `--env takes NAME=VALUE, not "${pair}"`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );

/** Where a command is, as the system would look it up. @throws CommandError 1 with the reason. */
const findExecutable = (command: string, path: string, cwd: string): string => {
  const candidates = command.includes('/')
    ? [resolve(cwd, command)]
    : path.split(delimiter).map((directory) => join(resolve(cwd, directory || '.'), command));
  let reason = 'not found (ENOENT)';
  for (const candidate of candidates) {
    const stats = statSync(candidate, { throwIfNoEntry: false });
    if (stats === undefined || stats.isDirectory()) continue;
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      reason = 'not executable (EACCES)';
    }
  }
  throw new CommandError(EXIT.failed, `cannot start ${command}: ${reason}`);
};

const ensureSession = async (connection: Connection, { session, create = false }: ExecOptions): Promise<void> => {
  const parameters = { id: session };
  if (create) await connection.call({ route: ROUTES.putSession, parameters, body: {} });
  else await connection.call({ route: ROUTES.getSession, parameters });
};

/** Signals of a terminal reach the whole group there, so they do here; others are meant for the command itself. */
const forward = (child: ContainedProcess, signal: NodeJS.Signals): void => {
  if (child.child.exitCode !== null || child.child.signalCode !== null) return;
  try {
    // Our own child, not yet waited for: neither its pid nor its group can belong to anybody else.
    process.kill(signal === 'SIGINT' || signal === 'SIGQUIT' ? -child.pgid : child.identity.pid, signal);
  } catch {
    // It has just ended.
  }
};

const runAttached = async (
  connection: Connection,
  [command, ...args]: readonly [string, ...string[]],
  options: ExecOptions,
  terminal: Terminal,
): Promise<number> => {
  const env = { ...sanitizeEnv(terminal.env, claudeCodePolicy), ...parsePairs(options.env) };
  const file = findExecutable(command, env.PATH ?? '', terminal.cwd);
  let child: ContainedProcess;
  try {
    child = await spawnContained({
      command: file,
      args,
      cwd: terminal.cwd,
      env,
      cookie: scopeCookie(randomBytes(16).toString('hex'), connection.record.dataDir),
      stdio: ['inherit', 'inherit', 'inherit'],
      gated: true,
      table: createProcessTable(),
    });
  } catch (error) {
    if (!isShutdownCascadeError(error)) throw error;
    throw new CommandError(EXIT.failed, error.message, { cause: error });
  }
  using _signals = terminal.onSignals(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'], (signal) =>
    forward(child, signal),
  );
  try {
    // It exists but has not executed the command yet: nothing ever runs unrecorded.
    await connection.call({
      route: ROUTES.adoptProcess,
      parameters: { id: options.session },
      body: {
        pid: child.identity.pid,
        startToken: child.identity.startToken,
        name: options.name ?? `${basename(command)}-${child.identity.pid}`,
        type: options.type ?? 'exec',
      },
    });
  } catch (error) {
    child.child.kill('SIGKILL');
    await child.exited;
    throw error;
  }
  child.open();
  const { code, signal } = await child.exited;
  return signal === null ? (code ?? EXIT.failed) : 128 + osConstants.signals[signal];
};

const runDetached = async (
  connection: Connection,
  [command, ...args]: readonly [string, ...string[]],
  options: ExecOptions,
  terminal: Terminal,
): Promise<number> => {
  const row = (await connection.call({
    route: ROUTES.spawnProcess,
    parameters: { id: options.session },
    timeoutMs: 30_000,
    body: {
      name: options.name ?? `${basename(command)}-${randomBytes(3).toString('hex')}`,
      type: options.type ?? 'exec',
      command,
      args,
      cwd: terminal.cwd,
      env: parsePairs(options.env),
      ...(options.restart === undefined ? {} : { restart: options.restart }),
    },
  })) as ProcessView;
  terminal.print(options.json === true ? JSON.stringify(row) : `${row.id} ${plain(row.name)} (pid ${row.pid})`);
  return EXIT.done;
};

/** Runs a command inside a session: attached to this terminal, or, with `--detach`, by the worker. */
export const exec = async (words: readonly string[], options: ExecOptions, terminal: Terminal): Promise<number> => {
  const [command, ...args] = words;
  if (command === undefined) throw new CommandError(EXIT.usage, 'exec needs a command after --');
  if (options.detach !== true && options.restart !== undefined) {
    throw new CommandError(EXIT.usage, '--restart goes with --detach: an attached command ends with this one');
  }
  const connection = await connect(dataDirectoryAt(dataDirectoryOf(options, terminal).path));
  await ensureSession(connection, options);
  return options.detach === true
    ? runDetached(connection, [command, ...args], options, terminal)
    : runAttached(connection, [command, ...args], options, terminal);
};
