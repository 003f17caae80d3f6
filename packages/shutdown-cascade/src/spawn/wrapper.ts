/**
 * The shell that stands in for a command until it may run: it joins a cgroup, waits at a gate, and becomes the command, with the same
 * pid and start token. It talks through one descriptor, a socket pair, which the command never sees.
 */
export interface Wrapping {
  /** The directory of the cgroup to join. */
  readonly cgroup: string | undefined;
  /** Whether to wait for a line before becoming the command. At end of file it ends instead. */
  readonly gated: boolean;
  /** The number of its descriptor in the child. */
  readonly descriptor: number;
}

const NAME = 'cm-gate';

/** What the shell exits with when it could not join. Never taken for the command's: it is told apart by the descriptor. */
export const CANNOT_JOIN = 125;

/** Shells add these; a command gets only what it was given. `_` and `SHLVL` cannot be kept out of bash. */
const ADDED_BY_SHELLS = ['PWD', 'OLDPWD', 'SHLVL'];

/**
 * Two tricks make a failed exec known. The descriptor is closed for the exec by a redirection around it, for which a shell keeps a copy
 * that closes on exec: when the exec succeeds it is closed, when it fails it is put back. And an exit trap then writes the exit code to
 * it; bash leaves out the trap unless `execfail` keeps it from exiting.
 */
const scriptOf = ({ cgroup, gated, descriptor: fd }: Wrapping, unset: readonly string[]): string =>
  [
    '[ -z "$BASH_VERSION" ] || shopt -s execfail',
    `trap 'echo $? >&${fd}' EXIT`,
    'group=$1',
    'shift',
    ...(cgroup === undefined ? [] : [`echo $$ >"$group/cgroup.procs" || exit ${CANNOT_JOIN}`]),
    ...(gated ? [`IFS= read -r gate <&${fd} || exit`] : []),
    `unset group gate ${unset.join(' ')}`,
    `{ exec "$@"; } ${fd}>&-`,
  ].join('\n');

/** The command line of the shell. */
export const wrap = (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  wrapping: Wrapping,
): { readonly file: string; readonly args: readonly string[] } => {
  const unset = ADDED_BY_SHELLS.filter((name) => env[name] === undefined);
  return { file: '/bin/sh', args: ['-c', scriptOf(wrapping, unset), NAME, wrapping.cgroup ?? '', command, ...args] };
};

/** The arguments of a wrapped process as they will be once it has become its command; others as they are. */
export const withoutGate = (args: readonly string[]): string[] => args.slice(args[3] === NAME ? 5 : 0);

/** Shells drop variables whose names are none of theirs (dash and BusyBox do): a child that has some cannot go through one. */
export const survivesShell = (env: Readonly<Record<string, string>>): boolean =>
  Object.keys(env).every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
