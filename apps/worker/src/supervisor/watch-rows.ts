import { identityOfRow, type ProcessRecord, type ProcessRegistry } from '@cm/process-registry';
import type { ProcessTable } from '@cm/process-table';
import type { ContainedProcess, Exit } from '@cm/shutdown-cascade';
import type { ChildOutput } from './child-output.js';
import { messageOf } from './errors.js';
import type { Log } from './log.js';
import type { RowMembers } from './row-members.js';
import type { RowStopper } from './stop-rows.js';
import { removeRowCgroup } from './worker-cgroup.js';

export interface RowWatcher {
  /** Follows a child of ours to its end. */
  follow(row: ProcessRecord, child: ContainedProcess, output: ChildOutput): void;
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
  readonly forget: (id: string) => void;
}

export const createRowWatcher = ({ registry, table, log, members, stopper, forget }: RowWatcherOptions): RowWatcher => {
  /** A row whose leader has ended stays while anything of it lives. */
  const settle = async (id: string): Promise<void> => {
    const row = registry.get(id);
    if (row === undefined || stopper.isStopping(id)) return;
    const left = (await members.find([row])).get(id) ?? [];
    if (left.length === 0 && !stopper.isStopping(id)) forget(id);
  };

  const onExit = async (
    row: ProcessRecord,
    child: ContainedProcess,
    output: ChildOutput,
    exit: Exit,
  ): Promise<void> => {
    // At this moment the group's number is still taken by whoever is left in it, so they are ours without further proof.
    const group = await table.groupMembers(child.pgid);
    members.remember(
      row.id,
      group.map(({ identity }) => identity),
    );
    const stderrTail = output.stderrTail();
    const after = registry.transition(row.id, { type: 'exited', ...exit }, { stderrTail });
    const story = { row: row.id, name: row.name, pid: child.identity.pid, ...exit };
    if (after?.exit?.reason !== 'asked' && exit.code !== 0) log.warn({ ...story, stderrTail }, 'a process failed');
    else log.info(story, 'a process ended');
    members.removeChild(row.id);
    await settle(row.id);
  };

  const lookAtAdopted = async (): Promise<void> => {
    for (const row of registry.getAll()) {
      const identity = identityOfRow(row);
      if (row.status !== 'running' || identity === undefined || members.child(row.id) !== undefined) continue;
      if ((await table.lookup(identity)).status !== 'dead') continue;
      registry.transition(row.id, { type: 'exited', code: null, signal: null });
      log.info({ row: row.id, name: row.name, pid: identity.pid }, 'an adopted process ended');
      await settle(row.id);
    }
  };

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
        spare: ({ id }) => !empty.has(id) || members.child(id) !== undefined,
      });
      for (const { id, cgroup } of pruned) {
        removeRowCgroup(cgroup);
        members.forget(id);
      }
      return pruned.flatMap(({ identity }) => (identity === undefined ? [] : [identity.pid]));
    },
  };
};
