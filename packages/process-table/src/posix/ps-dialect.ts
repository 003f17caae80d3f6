/** A column of `ps -o` that the adapter can read. */
export type PsColumn =
  | 'pid'
  | 'ppid'
  | 'pgid'
  | 'sid'
  | 'stat'
  | 's'
  | 'lstart'
  | 'etime'
  | 'rss'
  | 'time'
  | 'comm'
  | 'args';

/** How one kind of `ps` is asked. */
export interface PsDialect {
  readonly program: string;
  /** What stands before every other argument. */
  readonly prefix: readonly string[];
  /** `comm` is the last: it alone may hold blanks. */
  readonly columns: readonly PsColumn[];
  /** Whether it takes `-A` and `-p`; if not, it lists everybody and the adapter picks. */
  readonly selects: boolean;
  /** Whether it takes `-ww`, without which some cut lines at 79 columns, also in a pipe. */
  readonly wide: boolean;
  /** The argument that adds the environment to `args`; undefined where cookies cannot be read. */
  readonly environment: string | undefined;
}

const bsd = (columns: readonly PsColumn[], environment: string): PsDialect => ({
  program: '/bin/ps',
  prefix: [],
  columns: [...columns, 'comm'],
  selects: true,
  wide: true,
  environment,
});

const systemV = (columns: readonly PsColumn[]): PsDialect => ({
  program: '/usr/bin/ps',
  prefix: [],
  columns: [...columns, 'comm'],
  selects: true,
  wide: false,
  environment: undefined,
});

const IDS = ['pid', 'ppid', 'pgid'] as const;

/**
 * The `ps` of a platform; undefined where none is known.
 *
 * FreeBSD and OpenBSD keep start times relative to the boot and add the boot time when asked (FreeBSD: `fill_kinfo_proc` in
 * sys/kern/kern_proc.c), so their `lstart` moves when the clock is set; the elapsed time does not. macOS and NetBSD note the
 * clock once. `sess` of macOS, NetBSD and OpenBSD is no pid, so it is not asked for.
 */
export const dialectOf = (platform: NodeJS.Platform): PsDialect | undefined => {
  switch (platform) {
    case 'darwin':
      return bsd([...IDS, 'stat', 'lstart', 'rss', 'time'], '-E');
    case 'netbsd':
      return bsd([...IDS, 'stat', 'lstart', 'rss', 'time'], '-e');
    case 'freebsd':
      return bsd([...IDS, 'sid', 'stat', 'etime', 'rss', 'time'], '-e');
    case 'openbsd':
      return bsd([...IDS, 'stat', 'etime', 'rss', 'time'], '-e');
    case 'sunos':
      return systemV([...IDS, 'sid', 's', 'etime', 'rss', 'time']);
    case 'aix':
      // Only what POSIX names: no state and no memory.
      return systemV([...IDS, 'etime', 'time']);
    default:
      return undefined;
  }
};
