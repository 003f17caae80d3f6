import { daemonPolicy, sanitizeEnv } from '@cm/env-sanitizer';
import type { ProcessRecord, ProcessRegistry } from '@cm/process-registry';
import type { Clock, ProcessTable } from '@cm/process-table';
import {
  type ContainedProcess,
  type ContainedSpawn,
  isShutdownCascadeError,
  runShutdownCascade,
  spawnContained,
  spawnWithin,
} from '@cm/shutdown-cascade';
import type { ChildOutput } from './child-output.js';
import { WorkerError } from './errors.js';
import { openKeptOutput } from './kept-output.js';
import type { Log } from './log.js';
import { recordProcess } from './record-process.js';
import type { RowContainment } from './row-containment.js';
import type { RowMembers } from './row-members.js';
import type { SpawnRequest } from './spawn-request.js';
import type { RowWatcher } from './watch-rows.js';
import { removeRowCgroup, type WorkerCgroup } from './worker-cgroup.js';

export interface SpawnContext {
  readonly registry: ProcessRegistry;
  readonly table: ProcessTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly members: RowMembers;
  readonly watcher: Pick<RowWatcher, 'follow'>;
  /** The worker's own environment, on which every child's is based. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly openOutput: (rowId: string) => ChildOutput;
  /** Where the output of a process goes that may outlive this worker. */
  readonly logs: string;
  readonly containment: RowContainment;
  readonly workerCgroup: WorkerCgroup;
}

const start = async (
  { env, table, containment: { insisted }, workerCgroup: { cgroups } }: SpawnContext,
  { cookie, cgroup }: ProcessRecord,
  request: SpawnRequest,
  stdio: ContainedSpawn['stdio'],
): Promise<ContainedProcess> => {
  const spawn: ContainedSpawn = {
    command: request.command,
    args: request.args,
    cwd: request.cwd,
    env: { ...sanitizeEnv(env, daemonPolicy), ...request.env },
    cookie,
    ...(stdio === undefined ? {} : { stdio }),
    table,
  };
  try {
    return await (cgroup === undefined ? spawnContained(spawn) : spawnWithin({ ...spawn, cgroup, cgroups }, insisted));
  } catch (error) {
    if (!isShutdownCascadeError(error)) throw error;
    throw new WorkerError('CANNOT_SPAWN', error.message, { cause: error, details: { errno: error.errno } });
  }
};

/**
 * Starts the process of an intent: spawn, then process on record. Whatever fails, no process runs unrecorded (R13) and no cgroup stays;
 * what becomes of the intent is for whoever had it written, unless there is a process that would not go: then it has `survived`.
 *
 * @throws WorkerError CANNOT_SPAWN, UNAVAILABLE
 */
export const spawnProcess = async (
  context: SpawnContext,
  row: ProcessRecord,
  request: SpawnRequest,
): Promise<ProcessRecord> => {
  const { registry, table, clock, members, watcher, log } = context;
  // The pipes of a worker end with it, and whoever writes to them then; a file does not.
  using kept = request.onWorkerDeath === 'keep' ? openKeptOutput(context.logs, row.id) : undefined;
  let child: ContainedProcess;
  try {
    child = await start(context, row, request, kept?.stdio ?? ['ignore', 'pipe', 'pipe']);
  } catch (error) {
    removeRowCgroup(row.cgroup);
    throw error;
  }
  const output = context.openOutput(row.id);
  output.take(child.child.stdout, child.child.stderr);
  const { identity, pgid, cgroup, lineage } = child;
  try {
    const registered = recordProcess(registry, row, {
      identity,
      pgid,
      lineage,
      containment: cgroup === undefined ? 'group' : 'cgroup',
    });
    members.addChild(row.id, child);
    watcher.follow(row, child, output);
    log.info({ row: row.id, name: row.name, pid: identity.pid, session: row.sessionId }, 'a process was started');
    return registered;
  } catch (error) {
    const target = { id: row.id, identity, pgid, cookie: row.cookie, cgroup, lineage, graceMs: 0 };
    const report = await runShutdownCascade([target], { table, clock });
    if (report.ok) removeRowCgroup(row.cgroup);
    else {
      // Neither on record nor gone: the intent stays, and whoever recovers finds the process by its cookie.
      registry.transition(row.id, { type: 'survived' });
      const { members: pids } = report.targets[0] ?? {};
      log.warn({ row: row.id, name: row.name, pids }, 'a process is neither on record nor could it be stopped');
    }
    throw error;
  }
};
