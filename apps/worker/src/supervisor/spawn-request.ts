/** What a process of a session is started with. */
export interface SpawnRequest {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Empty: the session's, else the data directory. */
  readonly cwd: string;
  /** Merged over the sanitised environment of the worker. */
  readonly env: Readonly<Record<string, string>>;
  /** What kind of process it is, for lists. */
  readonly type: string;
  readonly stopSignal: NodeJS.Signals;
  /** From the stop signal to SIGKILL. */
  readonly graceMs: number;
  /** How long after SIGKILL its processes may take to be gone. */
  readonly killWaitMs: number;
  /** `replace` stops a running namesake first. */
  readonly onDuplicate: 'error' | 'replace';
  /** `keep`: it lives on when the worker is killed, and the next worker takes it over. It ends with an orderly stop either way. */
  readonly onWorkerDeath: 'kill' | 'keep';
}

/** Name and command are needed; everything else has a default. */
export type SpawnInput = Pick<SpawnRequest, 'name' | 'command'> & Partial<SpawnRequest>;

/** The defaults, in one place. */
export const SPAWN_DEFAULTS: Omit<SpawnRequest, 'name' | 'command'> = {
  args: [],
  cwd: '',
  env: {},
  type: 'process',
  stopSignal: 'SIGTERM',
  graceMs: 5000,
  killWaitMs: 1000,
  onDuplicate: 'error',
  onWorkerDeath: 'kill',
};
