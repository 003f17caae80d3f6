import type { ProcessRecord } from '@cm/process-registry';
import { asStopSignal } from './to-target.js';

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
  /** `permanent`: always started again; `transient`: only after a failure; `temporary`: never. A stop that was asked for is no end of that kind. */
  readonly restart: 'permanent' | 'transient' | 'temporary';
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
  restart: 'temporary',
  stopSignal: 'SIGTERM',
  graceMs: 5000,
  killWaitMs: 1000,
  onDuplicate: 'error',
  onWorkerDeath: 'kill',
};

/**
 * What a row of an earlier worker was started with, as far as it is on record. Undefined where it had variables of its own: their values
 * are never written down.
 */
export const requestOf = (row: ProcessRecord): SpawnRequest | undefined => {
  const { name, command, args, cwd, type, restart, graceMs, killWaitMs, onWorkerDeath } = row;
  if (row.envKeys.length > 0) return undefined;
  const stopSignal = asStopSignal(row.stopSignal) ?? SPAWN_DEFAULTS.stopSignal;
  const { env, onDuplicate } = SPAWN_DEFAULTS;
  return { name, command, args, cwd, env, type, restart, stopSignal, graceMs, killWaitMs, onDuplicate, onWorkerDeath };
};
