import { existsSync } from 'node:fs';

/**
 * The shell that stands in for a command until it may run: it waits at a gate, for a line or the end of file, which ends it; joins a
 * cgroup; and becomes the command, with the same pid and start token. It talks through one descriptor, a socket pair, which the command
 * never sees.
 */
export interface Wrapping {
  /** The directory of the cgroup to join. */
  readonly cgroup: string | undefined;
  /** The number of its descriptor in the child. */
  readonly descriptor: number;
}

const NAME = 'cm-gate';

/** What the shell exits with when it could not join. Never taken for the command's: it is told apart by the descriptor. */
export const CANNOT_JOIN = 125;

/** Shells set these to what they think right; a command gets what it was given, or nothing. `_` and `SHLVL` cannot be kept out of bash. */
const SET_BY_SHELLS = ['PWD', 'OLDPWD', 'SHLVL', 'PS1', 'PS4'];

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const asGiven = (env: Readonly<Record<string, string>>): string[] =>
  SET_BY_SHELLS.flatMap((name) => {
    const value = env[name];
    if (value === undefined) return [`unset ${name}`];
    // Bash counts it up when it starts, and down when it becomes the command; others leave it alone.
    return name === 'SHLVL' ? [] : [`export ${name}=${quoted(value)}`];
  });

/**
 * Two tricks make a failed exec known. The descriptor is closed for the exec by a redirection around it, for which a shell keeps a copy
 * that closes on exec: when the exec succeeds it is closed, when it fails it is put back. And an exit trap then writes the exit code to
 * it; bash leaves out the trap unless `execfail` keeps it from exiting.
 */
const scriptOf = ({ cgroup, descriptor: fd }: Wrapping, env: Readonly<Record<string, string>>): string =>
  [
    '[ -z "$BASH_VERSION" ] || shopt -s execfail',
    `trap 'echo $? >&${fd}' EXIT`,
    `IFS= read -r CM_GATE <&${fd} || exit`,
    ...(cgroup === undefined ? [] : [`echo $$ >"$1/cgroup.procs" || exit ${CANNOT_JOIN}`]),
    'shift',
    'unset CM_GATE',
    ...asGiven(env),
    `{ exec "$@"; } ${fd}>&-`,
  ].join('\n');

/** The command line of the shell. */
export const wrap = (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  wrapping: Wrapping,
): { readonly file: string; readonly argv0: string; readonly args: readonly string[] } => ({
  file: shellFor(command, env, wrapping.descriptor) ?? SHELL,
  // Under its own name bash runs ~/.bashrc when its input is a socket, as Node's pipes are.
  argv0: SHELL,
  args: ['-c', scriptOf(wrapping, env), NAME, wrapping.cgroup ?? '', command, ...args],
});

/** The arguments of a wrapped process as they will be once it has become its command; others as they are. */
export const withoutGate = (args: readonly string[]): string[] => args.slice(args[3] === NAME ? 5 : 0);

/** What a shell sets whatever it was given, and keeps exported if it was. */
const TAKEN_BY_SHELLS = /^(IFS|OPTIND|PPID|E?UID|BASH(?!_ENV$).*|SHELLOPTS|CM_GATE)$/;

/** Redirections know descriptors of one digit (dash). */
const LARGEST_DESCRIPTOR = 9;

/** The shells that may stand in for a command. Bash hands on variables whose names are none of a shell's; dash and BusyBox drop them. */
const SHELL = '/bin/sh';
const SHELL_FOR_ODD_NAMES = '/bin/bash';

const isShellName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);

/** The shell behind which a command is just what it would be without one; undefined where there is none. */
export const shellFor = (
  command: string,
  env: Readonly<Record<string, string>>,
  descriptor: number,
): string | undefined => {
  const names = Object.keys(env);
  // What begins with a hyphen, bash takes for an option of `exec`.
  if (descriptor > LARGEST_DESCRIPTOR || command.startsWith('-')) return undefined;
  if (names.some((name) => TAKEN_BY_SHELLS.test(name))) return undefined;
  if (names.every(isShellName)) return SHELL;
  return existsSync(SHELL_FOR_ODD_NAMES) ? SHELL_FOR_ODD_NAMES : undefined;
};
