import { isEnded, type ProcessRecord, type ProcessRegistry } from '@cm/process-registry';
import type { Clock, ProcessRow, ProcessTable } from '@cm/process-table';
import { type CascadeEvent, isGone, runShutdownCascade, type StopTarget } from '@cm/shutdown-cascade';
import type { StopReport } from '../contract/index.js';
import { halfStarted } from './half-started.js';
import type { InFlight } from './in-flight.js';
import type { Log } from './log.js';
import type { RowMembers } from './row-members.js';
import { removeRowCgroup } from './worker-cgroup.js';

export interface StopOptions {
  readonly deadlineMs?: number | undefined;
  readonly onProgress?: (event: CascadeEvent) => void;
}

export interface RowStopper {
  /**
   * Stops rows together; one that is being stopped already is waited for, and so is a spawn in flight. Rows of whatever is gone are removed,
   * and none of them is started again.
   */
  stop(rows: readonly ProcessRecord[], options?: StopOptions): Promise<StopReport>;
  isStopping(id: string): boolean;
  /** Ends what is left of a row whose leader has ended, and leaves the row. False: something of it lives on. The signal cuts it short. */
  clear(row: ProcessRecord, signal: AbortSignal): Promise<boolean>;
}

export interface RowStopperOptions {
  readonly registry: ProcessRegistry;
  readonly table: ProcessTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly members: RowMembers;
  /** Aborts when a second request asks for force. */
  readonly force: AbortSignal;
  /** By row: what has to come to its end before the row can be stopped. */
  readonly busy: Pick<InFlight, 'has' | 'settled'>;
  /** Sees to it that a row is not started again. */
  readonly giveUp: (id: string) => void;
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
  const { registry, table, clock, log, members, force, busy, giveUp, forget } = options;
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

  /** Of rows whose process was started and could not be recorded: found as recovery finds them. */
  const halvesOf = async (rows: readonly ProcessRecord[]): Promise<StopTarget[]> => {
    if (rows.length === 0) return [];
    const listing = await table.list({ cookies: true });
    const carriersOf = ({ cookie }: ProcessRecord): ProcessRow[] =>
      listing.filter((process) => process.cookie === cookie && process.state !== 'zombie');
    return (await Promise.all(rows.map((row) => halfStarted(row, carriersOf(row), table)))).flat();
  };

  const stopNow = async (
    asked: readonly ProcessRecord[],
    { deadlineMs, onProgress }: StopOptions,
  ): Promise<StopReport> => {
    // What is under way comes to its end first: an intent may have a process by then, which is to be stopped too (fault 27).
    const underWay = asked.filter(({ id }) => busy.has(id));
    if (underWay.length > 0) await Promise.all(underWay.map(({ id }) => busy.settled(id)));
    // As they are now: a row may have been started again since it was read.
    const rows = asked.flatMap(({ id }) => registry.get(id) ?? []);
    const targets = rows.flatMap((row) => members.targetOf(row) ?? []);
    for (const { id } of targets) registry.transition(id, { type: 'stop-asked' });
    // Intents of which nothing is under way are left to whoever wrote them.
    const nameless = rows.filter(({ identity, status }) => identity === undefined && status !== 'intended');
    const halves = await halvesOf(nameless.filter(({ status }) => !isEnded(status)));
    const report = await runShutdownCascade([...targets, ...halves], { table, clock, deadlineMs, force, onProgress });
    const recorded = new Set(targets.map(({ id }) => id));
    for (const target of report.targets) if (recorded.has(target.id)) conclude(target);
    for (const { id } of nameless) {
      const left = report.targets.find((target) => target.id === id && !isGone(target.outcome));
      if (left === undefined) forget(id);
      else conclude(left);
    }
    return report;
  };

  return {
    isStopping: (id) => running.has(id),
    stop: async (rows, stopOptions = {}) => {
      for (const { id } of rows) giveUp(id);
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
    clear: async (row, signal) => {
      const target = members.targetOf(row);
      const targets = target === undefined ? [] : [target];
      const report = await runShutdownCascade(targets, { table, clock, signal, force });
      const gone = report.targets.every(({ outcome }) => isGone(outcome));
      if (gone) {
        removeRowCgroup(row.cgroup);
        members.forget(row.id);
      }
      return gone;
    },
  };
};
