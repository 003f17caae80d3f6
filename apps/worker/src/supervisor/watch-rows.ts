import { identityOfRow, type ProcessRecord, type ProcessRegistry } from '@cm/process-registry';
import type { ProcessTable } from '@cm/process-table';
import type { ContainedProcess, Exit } from '@cm/shutdown-cascade';
import type { ChildOutput } from './child-output.js';
import { isCleanEnd } from './clean-end.js';
import type { Crashes } from './crashes.js';
import { messageOf } from './errors.js';
import type { Log } from './log.js';
import type { Restarter } from './restarter.js';
import type { RowMembers } from './row-members.js';
import type { RowStopper } from './stop-rows.js';
import { removeRowCgroup } from './worker-cgroup.js';

export type FollowedChild = Pick<ContainedProcess, 'identity' | 'pgid' | 'exited'>;

export interface RowWatcher {
  /** Follows a child of ours to its end. */
  follow(row: ProcessRecord, child: FollowedChild, output: Pick<ChildOutput, 'stderrTail'>): void;
  /** Notices leaders that ended without telling us: adopted ones, and those of an earlier worker. */
  lookAtAdopted(): Promise<void>;
  /** Brings every row up to date with the process table; returns the pids of rows found dead. */
  sweep(): Promise<number[]>;
}

export interface RowWatcherOptions {
  readonly registry: ProcessRegistry;
  readonly table: Pick<ProcessTable, 'groupMembers' | 'lookup'>;
  readonly log: Log;
  readonly members: RowMembers;
  readonly stopper: Pick<RowStopper, 'isStopping'>;
  readonly restarter: Pick<Restarter, 'ended' | 'pending'>;
  readonly crashes: Pick<Crashes, 'note'>;
  readonly forget: (id: string) => void;
}

export const createRowWatcher = (options: RowWatcherOptions): RowWatcher => {
  const { registry, table, log, members, stopper, restarter, crashes, forget } = options;

  /** Whether somebody else sees to a row: whoever stops it, or whoever starts it again. */
  const isTakenCareOf = (id: string): boolean => stopper.isStopping(id) || restarter.pending(id) !== undefined;

  /** A row whose leader has ended stays while anything of it lives. */
  const settle = async (id: string): Promise<void> => {
    const row = registry.get(id);
    if (row === undefined || isTakenCareOf(id)) return;
    const left = (await members.find([row])).get(id) ?? [];
    if (left.length === 0 && !isTakenCareOf(id)) forget(id);
  };

  const onExit = async (
    row: ProcessRecord,
    child: FollowedChild,
    output: Pick<ChildOutput, 'stderrTail'>,
    exit: Exit,
  ): Promise<void> => {
    // At this moment the group's number is still taken by whoever is left in it, so they are ours without further proof.
    // Where they cannot be read just now, its end is on record all the same, and they are found by their other marks.
    const group = await table.groupMembers(child.pgid).catch(() => []);
    members.remember(
      row.id,
      group.map(({ identity }) => identity),
    );
    members.removeChild(row.id);
    const stderrTail = output.stderrTail();
    const after = registry.transition(row.id, { type: 'exited', ...exit }, { stderrTail });
    const story = { row: row.id, name: row.name, pid: child.identity.pid, ...exit };
    // A row that is gone by now was stopped: whoever did that may have been faster than this.
    const unasked = after?.exit !== undefined && after.exit.reason !== 'asked';
    if (unasked && exit.code !== 0) log.warn({ ...story, stderrTail }, 'a process failed');
    else log.info(story, 'a process ended');
    if (unasked && !isCleanEnd(exit)) {
      const how = exit.signal ?? `exit code ${exit.code}`;
      crashes.note({ rowId: row.id, name: row.name, sessionId: row.sessionId, how });
    }
    if (after !== undefined) restarter.ended(after);
    await settle(row.id);
  };

  const lookAtAdopted = async (): Promise<void> => {
    for (const row of registry.getAll()) {
      const identity = identityOfRow(row);
      if (row.status !== 'running' || identity === undefined || members.child(row.id) !== undefined) continue;
      if ((await table.lookup(identity)).status !== 'dead') continue;
      // Somebody else may have looked meanwhile, and started it again.
      if (registry.get(row.id) !== row) continue;
      const after = registry.transition(row.id, { type: 'exited', code: null, signal: null });
      log.info({ row: row.id, name: row.name, pid: identity.pid }, 'an adopted process ended');
      if (after !== undefined) restarter.ended(after);
      await settle(row.id);
    }
  };

  /** Whether a row may be started again: nobody forgets it who has not asked. */
  const isToBeAsked = ({ id, status, restart }: ProcessRecord): boolean =>
    restarter.pending(id) !== undefined || (status === 'running' && restart !== 'temporary');

  return {
    follow: (row, child, output) => {
      child.exited
        .then((exit) => onExit(row, child, output, exit))
        .catch((error: unknown) => {
          log.error({ row: row.id, error: messageOf(error) }, 'the end of a process could not be recorded');
        });
    },
    lookAtAdopted,
    sweep: async () => {
      await lookAtAdopted();
      const rows = registry.getAll().filter(({ id, status }) => status !== 'intended' && !stopper.isStopping(id));
      const alive = await members.find(rows);
      const empty = new Set(rows.filter(({ id }) => alive.get(id)?.length === 0).map(({ id }) => id));
      const pruned = await registry.pruneDeadEntries({
        spare: (row) => !empty.has(row.id) || members.child(row.id) !== undefined || isToBeAsked(row),
      });
      for (const { id, cgroup } of pruned) {
        removeRowCgroup(cgroup);
        members.forget(id);
      }
      return pruned.flatMap(({ identity }) => (identity === undefined ? [] : [identity.pid]));
    },
  };
};
