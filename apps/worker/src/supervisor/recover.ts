import type { ProcessRegistry } from '@cm/process-registry';
import type { Clock, ProcessTable } from '@cm/process-table';
import { runShutdownCascade } from '@cm/shutdown-cascade';
import type { Log } from './log.js';
import type { Processes } from './processes.js';

export interface Recovery {
  /** Rows an earlier worker left behind. */
  readonly found: number;
  /** Pids of processes that had outlived it and were stopped. */
  readonly stopped: readonly number[];
  readonly survivors: readonly number[];
}

/**
 * Ends what an earlier worker left behind when it was killed: rows whose process still lives, and processes that had been started but
 * not yet recorded, found by the cookie of their intent. Can itself be interrupted and run again.
 */
export const recover = async (
  registry: ProcessRegistry,
  processes: Pick<Processes, 'stopAll'>,
  { table, clock, log }: { readonly table: ProcessTable; readonly clock: Clock; readonly log: Log },
): Promise<Recovery> => {
  const rows = registry.getAll();
  if (rows.length === 0) return { found: 0, stopped: [], survivors: [] };
  // What is added from here on is this worker's own.
  const ids = new Set(rows.map(({ id }) => id));
  const resolved = (await registry.recover()).filter(({ row }) => ids.has(row.id));

  const intents = resolved.filter(({ row }) => row.identity === undefined);
  const halfStarted = intents.flatMap(({ row, found }) =>
    found.map(({ identity }) => ({ id: row.id, identity, cookie: row.cookie, order: row.order })),
  );
  const [recorded, unrecorded] = await Promise.all([
    processes.stopAll(rows.filter(({ identity }) => identity !== undefined)),
    runShutdownCascade(halfStarted, { table, clock }),
  ]);
  const stubborn = new Set(unrecorded.survivors.map(({ id }) => id));
  for (const { row } of intents) if (!stubborn.has(row.id)) registry.unregister(row.id);

  const targets = [...recorded.targets, ...unrecorded.targets];
  const stopped = targets.filter(({ outcome }) => outcome === 'exited' || outcome === 'killed').map(({ pid }) => pid);
  const survivors = [...recorded.survivors, ...unrecorded.survivors].map(({ pid }) => pid);
  const story = { found: rows.length, stopped, survivors };
  if (survivors.length > 0) log.warn(story, 'not everything that an earlier worker left behind could be stopped');
  else log.info(story, 'what an earlier worker left behind was cleaned up');
  return story;
};
