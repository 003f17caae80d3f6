import { identityOfRow, type ProcessRecord } from '@cm/process-registry';
import type { ProcessIdentity } from '@cm/process-table';
import type { ContainedProcess, StopTarget } from '@cm/shutdown-cascade';

const SIGNALS: readonly NodeJS.Signals[] = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGABRT',
  'SIGKILL',
];

/** The name of a signal that may be used to stop a process, or undefined. */
export const asStopSignal = (name: string): NodeJS.Signals | undefined => SIGNALS.find((signal) => signal === name);

/** A registry row as the cascade takes it. Undefined for a row that has no process yet. */
export const toTarget = (
  row: ProcessRecord,
  known: readonly ProcessIdentity[] = [],
  child?: Pick<ContainedProcess, 'exited' | 'closed'>,
): StopTarget | undefined => {
  const identity = identityOfRow(row);
  if (identity === undefined) return undefined;
  return {
    id: row.id,
    identity,
    pgid: row.pgid,
    cookie: row.cookie,
    cgroup: row.cgroup,
    lineage: row.lineage,
    known,
    order: row.order,
    stopSignal: asStopSignal(row.stopSignal),
    graceMs: row.graceMs,
    killWaitMs: row.killWaitMs,
    exited: child?.exited,
    closed: child?.closed,
  };
};
