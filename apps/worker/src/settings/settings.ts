/** What may be set, by flag, environment, `config.json` or not at all. */
export interface Settings {
  /** `exact` came from the command line: it is taken or nothing is. Otherwise it is a preference. */
  readonly port: { readonly value: number; readonly exact: boolean };
  readonly containment: Containment;
  readonly logLevel: LogLevel;
  /** Hooks do nothing and the worker drains. */
  readonly disabled: boolean;
  /** Between two sweeps over rows, sessions and stale files. */
  readonly sweepIntervalMs: number;
  /** Between two looks at session owners and adopted processes. */
  readonly ownerIntervalMs: number;
  /** The children's own budget when the worker stops; nothing else can use it up (field failure 45). */
  readonly childrenStopMs: number;
  /** What the HTTP server may take to finish its answers when the worker stops. */
  readonly httpStopMs: number;
  /** The event log keeps at most this many bytes, but always its newest 1,000 rows. */
  readonly eventsMaxBytes: number;
  readonly eventsMaxAgeDays: number;
  /** How many processes may run at once; 0: no limit. */
  readonly maxProcesses: number;
  /** Before the first restart of a process; doubled for each one within `restartPeriodMs`. */
  readonly restartBackoffMs: number;
  readonly restartBackoffMaxMs: number;
  /** How many restarts of a process there may be within `restartPeriodMs`: more are a storm, and it pauses (fault 30). */
  readonly restartIntensity: number;
  readonly restartPeriodMs: number;
  /** Whether a guardian ends everything when the worker is killed. */
  readonly guardian: boolean;
}

export const CONTAINMENTS = ['auto', 'cgroup', 'group'] as const;
export type Containment = (typeof CONTAINMENTS)[number];

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The defaults, in one place. */
export const DEFAULTS: Omit<Settings, 'port'> = {
  containment: 'auto',
  logLevel: 'info',
  disabled: false,
  sweepIntervalMs: 30_000,
  ownerIntervalMs: 1_000,
  childrenStopMs: 15_000,
  httpStopMs: 2_000,
  eventsMaxBytes: 64 * 1024 * 1024,
  eventsMaxAgeDays: 14,
  maxProcesses: 0,
  restartBackoffMs: 100,
  restartBackoffMaxMs: 30_000,
  restartIntensity: 5,
  restartPeriodMs: 60_000,
  guardian: true,
};

/** A setting that cannot be used. The message is one line, names the setting and says what would be right. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}
