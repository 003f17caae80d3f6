/** What became of what an earlier worker left behind when it was killed. Pids are those on record. */
export interface Recovery {
  /** Rows on record. */
  readonly found: number;
  readonly sessions: number;
  /** Processes that had outlived it and were stopped. */
  readonly stopped: readonly number[];
  readonly survivors: readonly number[];
  /** Processes that were to outlive it, and were taken over. */
  readonly kept: readonly number[];
  /** Processes that had ended before anybody looked. */
  readonly gone: readonly number[];
  /** The same, and their pids belong to strangers, who were left alone. */
  readonly reused: readonly number[];
  /** Processes that could not be identified, and were left alone. */
  readonly unknown: readonly number[];
  readonly durationMs: number;
}

export const NOTHING_LEFT: Recovery = {
  found: 0,
  sessions: 0,
  stopped: [],
  survivors: [],
  kept: [],
  gone: [],
  reused: [],
  unknown: [],
  durationMs: 0,
};

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** A recovery as the doctor tells it. Pure. */
export const tellRecovery = (recovery: Recovery): string => {
  const { found, sessions, stopped, kept, gone, reused, unknown, survivors, durationMs } = recovery;
  if (found === 0) return 'nothing was left behind by an earlier worker';
  const parts: readonly (readonly [string, readonly number[]])[] = [
    ['taken over', kept],
    ['gone before', gone],
    ['pids of strangers by now, left alone', reused],
    ['cannot be identified, left alone', unknown],
    ['still alive', survivors],
  ];
  return [
    `an earlier worker left ${counted(found, 'row')} in ${counted(sessions, 'session')}`,
    `stopped: ${stopped.join(', ') || 'none'}`,
    ...parts.filter(([, pids]) => pids.length > 0).map(([what, pids]) => `${what}: ${pids.join(', ')}`),
    `in ${Math.round(durationMs)} ms`,
  ].join('; ');
};
