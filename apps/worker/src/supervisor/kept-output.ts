import { closeSync, openSync } from 'node:fs';
import type { ContainedSpawn } from '@cm/shutdown-cascade';
import { childLogOf } from './child-output.js';

/** The streams of a process that may outlive this worker: its output goes to its log file, without this worker in between. */
export interface KeptOutput extends Disposable {
  readonly stdio: NonNullable<ContainedSpawn['stdio']>;
}

/** Appends, so that the sweep can cut the file while the process writes on (see `pruneChildLogs`). */
export const openKeptOutput = (logs: string, rowId: string): KeptOutput => {
  const descriptor = openSync(childLogOf(logs, rowId), 'a', 0o600);
  return { stdio: ['ignore', descriptor, descriptor], [Symbol.dispose]: () => closeSync(descriptor) };
};
