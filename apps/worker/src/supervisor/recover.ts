import type { ProcessRecord, ProcessRegistry, RecoveredRow } from '@cm/process-registry';
import type { Clock, ProcessTable } from '@cm/process-table';
import { isGone, runShutdownCascade } from '@cm/shutdown-cascade';
import { halfStarted } from './half-started.js';
import type { Log } from './log.js';
import type { Processes } from './processes.js';
import { NOTHING_LEFT, type Recovery } from './recovery.js';

/** Whether a process was to outlive its worker, and to be started again, and ended while nobody looked, or waited for its restart. */
const endedUnseen = ({ row, status }: RecoveredRow): boolean =>
  row.onWorkerDeath === 'keep' &&
  row.restart !== 'temporary' &&
  row.identity !== undefined &&
  (status === 'dead' || status === 'reused') &&
  // The others were being stopped.
  (row.status === 'running' || row.status === 'lost' || row.status === 'exited');

/** Whether an intent was to start such a process again: it is no first start, about which whoever asked has heard nothing. */
const wasToGoOn = ({ onWorkerDeath, restart, restarts }: ProcessRecord): boolean =>
  onWorkerDeath === 'keep' && restart !== 'temporary' && restarts !== undefined;

/**
 * Ends what an earlier worker left behind when it was killed, but for what was to be kept: rows whose process still lives, and processes
 * that had been started but not yet recorded, found by the cookie of their intent. Can itself be interrupted and run again.
 */
export const recover = async (
  registry: ProcessRegistry,
  processes: Pick<Processes, 'stopAll' | 'forget' | 'resume'>,
  { table, clock, log }: { readonly table: ProcessTable; readonly clock: Clock; readonly log: Log },
): Promise<Recovery> => {
  const rows = registry.getAll();
  if (rows.length === 0) return NOTHING_LEFT;
  const beganAtMs = clock.monotonicMs();
  // What is added from here on is this worker's own.
  const ids = new Set(rows.map(({ id }) => id));
  const resolved = (await registry.recover()).filter(({ row }) => ids.has(row.id));

  // One that was never recorded has nobody who could be taken over: it is ended like other half-started ones.
  const kept = resolved.filter(
    ({ row, status }) => row.onWorkerDeath === 'keep' && row.identity !== undefined && status === 'alive',
  );
  const resumed = resolved.filter((found) => endedUnseen(found) && processes.resume(found.row));
  const keptIds = new Set([...kept, ...resumed].map(({ row }) => row.id));
  const intents = resolved.filter(({ row }) => row.identity === undefined);
  const halves = await Promise.all(intents.map(({ row, found }) => halfStarted(row, found, table)));
  const [recorded, unrecorded] = await Promise.all([
    processes.stopAll(rows.filter(({ id, identity }) => identity !== undefined && !keptIds.has(id))),
    runShutdownCascade(halves.flat(), { table, clock }),
  ]);
  const stubborn = new Set(unrecorded.targets.filter(({ outcome }) => !isGone(outcome)).map(({ id }) => id));
  for (const { row } of intents) {
    if (stubborn.has(row.id) || (wasToGoOn(row) && processes.resume(row))) continue;
    processes.forget(row.id);
  }

  const targets = [...recorded.targets, ...unrecorded.targets];
  const stopped = targets.filter(({ outcome }) => outcome === 'exited' || outcome === 'killed').map(({ pid }) => pid);
  const survivors = [...recorded.survivors, ...unrecorded.survivors].map(({ pid }) => pid);
  const pidsOf = (found: readonly RecoveredRow[]): number[] => found.flatMap(({ row }) => row.identity?.pid ?? []);
  const pidsThatAre = (wanted: RecoveredRow['status']): number[] =>
    pidsOf(resolved.filter(({ status }) => status === wanted));
  const story: Recovery = {
    found: rows.length,
    sessions: new Set(rows.map(({ sessionId }) => sessionId)).size,
    stopped,
    survivors,
    kept: pidsOf(kept),
    // Of some, members lived on, and were stopped under the pid that is on record.
    gone: pidsThatAre('dead').filter((pid) => !stopped.includes(pid)),
    reused: pidsThatAre('reused'),
    unknown: pidsThatAre('unknown'),
    durationMs: clock.monotonicMs() - beganAtMs,
  };
  if (survivors.length > 0)
    log.warn({ ...story }, 'not everything that an earlier worker left behind could be stopped');
  else log.info({ ...story }, 'what an earlier worker left behind was cleaned up');
  return story;
};
