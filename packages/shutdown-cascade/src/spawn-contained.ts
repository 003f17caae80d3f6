import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { COOKIE_VARIABLE, type Lookup, type ProcessIdentity, type ProcessTable } from '@cm/process-table';
import { ShutdownCascadeError } from './errors.js';

export interface ContainedSpawn {
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** The whole environment of the child, apart from the cookie. */
  readonly env: Readonly<Record<string, string>>;
  /** The value of `CM_SCOPE` in the child and in everything it starts. */
  readonly cookie: string;
  readonly stdio?: StdioOptions;
  /**
   * Holds the child back until {@link ContainedProcess.open} is called: it exists, with its final pid and cookie, but has not executed
   * the command. If this process ends first, the child ends without ever executing it. Needs `/bin/sh`.
   */
  readonly gated?: boolean;
  readonly table: Pick<ProcessTable, 'identify'>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ContainedProcess {
  readonly child: ChildProcess;
  readonly identity: ProcessIdentity;
  /** The group that was created for it; its number is the child's pid. */
  readonly pgid: number;
  readonly exited: Promise<Exit>;
  /** Lets a gated child execute its command. Does nothing for others. */
  readonly open: () => void;
}

/** Waits for one line on a descriptor, then becomes the command: same pid, same start token. End of file: exits without it. */
const gateOn = (descriptor: number): string => `IFS= read -r _ <&${descriptor} && exec "$@" ${descriptor}<&-`;

const GATE_NAME = 'cm-gate';

/** The arguments of a gated process as they will be once it has executed its command; others as they are. */
export const withoutGate = (args: readonly string[]): string[] => args.slice(args[3] === GATE_NAME ? 4 : 0);

const failure = (command: string, cause: unknown): ShutdownCascadeError => {
  const errno = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'UNKNOWN';
  return new ShutdownCascadeError('spawn-failed', `cannot start ${command}: ${errno}`, { cause, errno });
};

const identityOf = (found: Lookup): ProcessIdentity | undefined =>
  'process' in found ? found.process.identity : undefined;

/**
 * Starts a command so that it can be found and stopped: in a session and group of its own, with the cookie in its environment.
 *
 * A gated command that cannot be executed is no failed spawn: the shell at the gate exits with 126 or 127 once it is opened.
 *
 * @throws ShutdownCascadeError `spawn-failed`, with the errno. ProcessTableError as `table.identify` does; nothing is left running.
 */
export const spawnContained = async (options: ContainedSpawn): Promise<ContainedProcess> => {
  const { command, args = [], cwd, env, cookie, stdio = 'ignore', gated = false, table } = options;
  const streams = typeof stdio === 'string' ? [stdio, stdio, stdio] : [...stdio];
  // What Node puts in their place; the gate comes after all streams.
  while (streams.length < 3) streams.push('pipe');
  const [file, fileArgs] = gated
    ? ['/bin/sh', ['-c', gateOn(streams.length), GATE_NAME, command, ...args]]
    : [command, [...args]];
  let child: ChildProcess;
  try {
    child = spawn(file, fileArgs, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...env, [COOKIE_VARIABLE]: cookie },
      detached: true,
      stdio: gated ? [...streams, 'pipe'] : streams,
      windowsHide: true,
    });
  } catch (error) {
    // An argument or environment that cannot be passed on at all, such as one that holds a NUL.
    throw failure(command, error);
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const failed = new Promise<never>((_, reject) => {
    child.on('error', (error) => reject(failure(command, error)));
  });
  failed.catch(() => {});
  const { pid } = child;
  if (pid === undefined) return failed;
  // Asked for before the event loop turns: even a child that has ended by now is still there, as a zombie, with its start token.
  const found = await table.identify(pid).catch((error: unknown) => {
    // Nothing runs that cannot be found again.
    child.kill('SIGKILL');
    throw error;
  });
  const identity = identityOf(found);
  if (identity === undefined) {
    child.kill('SIGKILL');
    throw new ShutdownCascadeError('spawn-failed', `cannot identify ${command} (pid ${pid})`, { errno: 'ESRCH' });
  }
  const gate = gated ? (child.stdio[streams.length] as Writable | null | undefined) : undefined;
  gate?.on('error', () => {
    // The child is gone; its exit says so.
  });
  return { child, identity, pgid: pid, exited, open: () => void gate?.end('\n') };
};
