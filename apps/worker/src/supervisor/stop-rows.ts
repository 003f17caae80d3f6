import type { ProcessRecord, ProcessRegistry } from '@cm/process-registry';
import type { Clock, ProcessTable } from '@cm/process-table';
import { type CascadeEvent, runShutdownCascade } from '@cm/shutdown-cascade';
import type { StopReport } from '../contract/index.js';
import type { Log } from './log.js';
import type { RowMembers } from './row-members.js';

export interface StopOptions {
  readonly deadlineMs?: number | undefined;
  readonly onProgress?: (event: CascadeEvent) => void;
}

export interface RowStopper {
  /** Stops rows together; one that is being stopped already is waited for. Rows of whatever is gone are removed. */
  stop(rows: readonly ProcessRecord[], options?: StopOptions): Promise<StopReport>;
  isStopping(id: string): boolean;
}

export interface RowStopperOptions {
  readonly registry: ProcessRegistry;
  readonly table: ProcessTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly members: RowMembers;
  /** Aborts when a second request asks for force. */
  readonly force: AbortSignal;
  /** Forgets a row and all that is known of it. */
  readonly forget: (id: string) => void;
}

const earlier = (a: string, b: string): string => (Date.parse(a) <= Date.parse(b) ? a : b);

/** Stops that ran side by side, as one report. */
const merge = (first: StopReport, others: readonly StopReport[]): StopReport =>
  others.reduce<StopReport>(
    (all, next) => ({
      ok: all.ok && next.ok,
      startedAt: earlier(all.startedAt, next.startedAt),
      durationMs: Math.max(all.durationMs, next.durationMs),
      targets: [...all.targets, ...next.targets],
      survivors: [...all.survivors, ...next.survivors],
      escaped: [...all.escaped, ...next.escaped],
    }),
    first,
  );

export const createRowStopper = (options: RowStopperOptions): RowStopper => {
  const { registry, table, clock, log, members, force, forget } = options;
  const running = new Map<string, Promise<StopReport>>();

  const conclude = (target: StopReport['targets'][number]): void => {
    switch (target.outcome) {
      case 'survived':
      case 'escaped':
        registry.transition(target.id, { type: 'survived' });
        log.warn({ row: target.id, pids: target.members, outcome: target.outcome }, 'a process could not be stopped');
        return;
      case 'unknown':
        registry.transition(target.id, { type: 'identity-lost' });
        log.warn({ row: target.id, pids: [target.pid] }, 'a process cannot be identified: nothing was signalled');
        return;
      default:
        log.info({ row: target.id, pid: target.pid, outcome: target.outcome }, 'a process was stopped');
        forget(target.id);
    }
  };

  const stopNow = async (
    rows: readonly ProcessRecord[],
    { deadlineMs, onProgress }: StopOptions,
  ): Promise<StopReport> => {
    const targets = rows.flatMap((row) => members.targetOf(row) ?? []);
    for (const { id } of targets) registry.transition(id, { type: 'stop-asked' });
    const report = await runShutdownCascade(targets, { table, clock, deadlineMs, force, onProgress });
    for (const target of report.targets) conclude(target);
    return report;
  };

  return {
    isStopping: (id) => running.has(id),
    stop: async (rows, stopOptions = {}) => {
      const others = new Set(rows.flatMap(({ id }) => running.get(id) ?? []));
      const fresh = rows.filter(({ id }) => !running.has(id));
      const own = stopNow(fresh, stopOptions);
      for (const { id } of fresh) running.set(id, own);
      try {
        const report = await own;
        return merge(report, await Promise.all(others));
      } finally {
        for (const { id } of fresh) running.delete(id);
      }
    },
  };
};
