import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { COOKIE_VARIABLE, type Lookup, type ProcessIdentity, type ProcessTable } from '@cm/process-table';
import { type Cgroups, systemCgroups } from '../cgroup/cgroups.js';
import { ShutdownCascadeError } from '../errors.js';
import { whyNotExecutable } from './find-executable.js';
import { holdStreams } from './hold-streams.js';
import { readLineage } from './lineage.js';
import { CANNOT_JOIN, shellFor, wrap } from './wrapper.js';

export interface ContainedSpawn {
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** The whole environment of the child, apart from the cookie. */
  readonly env: Readonly<Record<string, string>>;
  /** The value of `CM_SCOPE` in the child and in everything it starts. */
  readonly cookie: string;
  readonly stdio?: StdioOptions;
  /** The directory of a cgroup that is made for it, and joined before the command runs. Linux; needs `/bin/sh`. */
  readonly cgroup?: string | undefined;
  /**
   * Holds the child back until {@link ContainedProcess.open} is called: it exists, with its final pid and cookie, but has not executed
   * the command. If this process ends first, the child ends without ever executing it. Needs `/bin/sh`.
   */
  readonly gated?: boolean;
  readonly platform?: NodeJS.Platform;
  readonly table: Pick<ProcessTable, 'identify' | 'openDescriptors'>;
  readonly cgroups?: Cgroups;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ContainedProcess {
  readonly child: ChildProcess;
  /** With its cookie: see `ProcessIdentity`. */
  readonly identity: ProcessIdentity;
  /** The group that was created for it; its number is the child's pid. */
  readonly pgid: number;
  /** The directory of its cgroup, if it has one. */
  readonly cgroup: string | undefined;
  /** The child's ends of the pipes made for it, in the words of `ProcessTable.openDescriptors`: whoever holds one has it from the child. */
  readonly lineage: readonly string[];
  readonly exited: Promise<Exit>;
  /** Settles when it has exited and nobody holds its pipes any more; needs a reader on each. */
  readonly closed: Promise<void>;
  /** Lets a gated child execute its command. Does nothing for others. */
  readonly open: () => void;
}

const failure = (command: string, errno: string, cause?: unknown): ShutdownCascadeError =>
  new ShutdownCascadeError('spawn-failed', `cannot start ${command}: ${errno}`, { cause, errno });

const errnoOf = (cause: unknown): string =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'UNKNOWN';

const identityOf = (found: Lookup): ProcessIdentity | undefined =>
  'process' in found ? found.process.identity : undefined;

/** A child that Node has started, and how it ends. */
interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly closed: Promise<void>;
}

const start = async (
  { file, argv0, args }: { readonly file: string; readonly argv0?: string; readonly args: readonly string[] },
  streams: StdioOptions,
  { command, cwd, env, cookie }: ContainedSpawn,
): Promise<Started> => {
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      ...(cwd === undefined ? {} : { cwd }),
      ...(argv0 === undefined ? {} : { argv0 }),
      env: { ...env, [COOKIE_VARIABLE]: cookie },
      detached: true,
      stdio: streams,
      windowsHide: true,
    });
  } catch (error) {
    // An argument or environment that cannot be passed on at all, such as one that holds a NUL.
    throw failure(command, errnoOf(error), error);
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const failed = new Promise<never>((_, reject) => {
    child.on('error', (error) => reject(failure(command, errnoOf(error), error)));
  });
  failed.catch(() => {});
  const { pid } = child;
  return pid === undefined ? failed : { child, pid, exited, closed };
};

const cannotContain = (command: string, cgroup: string, cause?: unknown): ShutdownCascadeError =>
  new ShutdownCascadeError('containment-failed', `cannot start ${command} in the cgroup ${cgroup}`, { cause });

/** Resolves when the shell has become the command. @throws ShutdownCascadeError when it says that it could not. */
const becomesCommand = async (status: Duplex, options: ContainedSpawn): Promise<void> => {
  let said = '';
  status.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await new Promise<void>((resolve) => status.once('close', () => resolve()));
  if (said === '') return;
  const { command, cgroup = '', env, cwd = '.' } = options;
  const code = Number(said);
  if (code === CANNOT_JOIN) throw cannotContain(command, cgroup);
  // Looked for again: it may have changed since. A file that is there, with an interpreter that is not, gives ENOENT too.
  throw failure(command, whyNotExecutable({ command, env, cwd }) ?? (code === 127 ? 'ENOENT' : 'EACCES'));
};

/** How a child comes into its cgroup. */
type Joining = 'none' | 'itself' | 'moved';

const joiningOf = ({ cgroup, gated }: ContainedSpawn, wrapped: boolean): Joining => {
  if (cgroup === undefined) return 'none';
  // At the caller's gate it has not run yet. Without a shell, it is moved a moment after it started.
  return wrapped && gated !== true ? 'itself' : 'moved';
};

const isPipe = (stream: unknown): boolean => stream === 'pipe' || stream === 'overlapped';

/**
 * Whether a shell stands in for the command at first. At its gate nothing can happen to the pipes that were made for it before they are
 * known: a command may be gone again within a millisecond, and leave behind what holds one. Only Linux shows who does.
 */
const isWrapped = (
  { command, cgroup, gated, env, platform = process.platform }: ContainedSpawn,
  streams: readonly unknown[],
): boolean =>
  gated === true ||
  (platform === 'linux' &&
    (cgroup !== undefined || streams.some(isPipe)) &&
    shellFor(command, env, streams.length) !== undefined);

const describeChild = async (
  { child, pid, exited, closed }: Started,
  wrapper: Duplex | undefined,
  joining: Joining,
  streams: readonly unknown[],
  options: ContainedSpawn,
): Promise<ContainedProcess> => {
  const { command, cgroup, cookie, gated = false, table, cgroups = systemCgroups } = options;
  wrapper?.on('error', () => {
    // The child is gone; its exit says so.
  });
  if (cgroup !== undefined && joining === 'moved') {
    try {
      cgroups.add(cgroup, pid);
    } catch (error) {
      throw cannotContain(command, cgroup, error);
    }
  }
  // Asked for before the event loop turns: even a child that has ended by now is still there, as a zombie, with its start token.
  const identity = identityOf(await table.identify(pid));
  if (identity === undefined) {
    throw new ShutdownCascadeError('spawn-failed', `cannot identify ${command} (pid ${pid})`, { errno: 'ESRCH' });
  }
  const lineage = await readLineage(identity, streams, table);
  if (wrapper !== undefined && !gated) {
    wrapper.write('\n');
    await becomesCommand(wrapper, options);
  } else wrapper?.resume();
  return {
    child,
    identity: { ...identity, cookie },
    pgid: pid,
    cgroup,
    lineage,
    exited,
    closed,
    open: () => void (gated ? wrapper?.end('\n') : undefined),
  };
};

/**
 * Starts a command so that it can be found and stopped: in a session and group of its own, with the cookie in its environment, and in
 * a cgroup of its own where one is named.
 *
 * A gated command that cannot be executed is no failed spawn: the shell at the gate exits with 126 or 127 once it is opened.
 *
 * @throws ShutdownCascadeError `spawn-failed`, with the errno; `containment-failed` when the cgroup could not be made or joined.
 * ProcessTableError as `table.identify` does. Whatever it throws, nothing is left running, and no cgroup.
 */
export const spawnContained = async (options: ContainedSpawn): Promise<ContainedProcess> => {
  const { command, args = [], cgroup, cwd = '.', env, stdio = 'ignore', gated = false } = options;
  const { cgroups = systemCgroups } = options;
  const streams = typeof stdio === 'string' ? [stdio, stdio, stdio] : [...stdio];
  // What Node puts in their place; the descriptor of a wrapper comes after all streams.
  while (streams.length < 3) streams.push('pipe');
  const descriptor = streams.length;
  const wrapped = isWrapped(options, streams);
  const joining = joiningOf(options, wrapped);
  if (wrapped && !gated) {
    const errno = whyNotExecutable({ command, env, cwd });
    if (errno !== undefined) throw failure(command, errno);
  }
  if (cgroup !== undefined) {
    try {
      cgroups.create(cgroup);
    } catch (error) {
      throw cannotContain(command, cgroup, error);
    }
  }
  let started: Started | undefined;
  try {
    const program = wrapped
      ? wrap(command, args, env, { cgroup: joining === 'itself' ? cgroup : undefined, descriptor })
      : { file: command, args };
    started = await start(program, wrapped ? [...streams, 'pipe'] : streams, options);
    const wrapper = wrapped ? (started.child.stdio[descriptor] as Duplex | null | undefined) : undefined;
    const letGo = holdStreams(started.child, descriptor);
    const described = await describeChild(started, wrapper ?? undefined, joining, streams, options);
    letGo();
    return described;
  } catch (error) {
    // Nothing runs that cannot be found again.
    started?.child.kill('SIGKILL');
    if (cgroup !== undefined) cgroups.kill(cgroup);
    await started?.exited;
    if (cgroup !== undefined) cgroups.remove(cgroup);
    throw error;
  }
};
