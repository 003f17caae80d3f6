import { daemonPolicy, sanitizeEnv } from '@cm/env-sanitizer';
import type { ProcessRecord, ProcessRegistry } from '@cm/process-registry';
import type { Clock, ProcessTable } from '@cm/process-table';
import {
  type ContainedProcess,
  type ContainedSpawn,
  cgroupPath,
  isShutdownCascadeError,
  runShutdownCascade,
  spawnContained,
  spawnWithin,
} from '@cm/shutdown-cascade';
import type { ChildOutput } from './child-output.js';
import { WorkerError } from './errors.js';
import { openKeptOutput } from './kept-output.js';
import type { Log } from './log.js';
import { recordIntent, recordProcess } from './record-process.js';
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
  readonly createCookie: () => string;
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
 * Starts a process of a session: intent on record, spawn, process on record. Whatever fails, no process runs unrecorded (R13) and no row
 * stays without one.
 *
 * @throws WorkerError DUPLICATE_NAME, CANNOT_SPAWN, UNAVAILABLE
 */
export const spawnProcess = async (
  context: SpawnContext,
  sessionId: string,
  request: SpawnRequest,
): Promise<ProcessRecord> => {
  const { registry, table, clock, members, watcher, log, workerCgroup } = context;
  const { env, onDuplicate: _decidedBefore, ...spec } = request;
  const cookie = context.createCookie();
  const cgroupParent = request.onWorkerDeath === 'keep' ? workerCgroup.keptParent : workerCgroup.parent;
  const row = recordIntent(
    registry,
    {
      ...spec,
      sessionId,
      restart: 'temporary',
      envKeys: Object.keys(env),
      ...(cgroupParent === undefined ? {} : { cgroup: cgroupPath(cgroupParent, cookie) }),
    },
    cookie,
  );
  // The pipes of a worker end with it, and whoever writes to them then; a file does not.
  using kept = request.onWorkerDeath === 'keep' ? openKeptOutput(context.logs, row.id) : undefined;
  let child: ContainedProcess;
  try {
    child = await start(context, row, request, kept?.stdio ?? ['ignore', 'pipe', 'pipe']);
  } catch (error) {
    removeRowCgroup(row.cgroup);
    registry.unregister(row.id);
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
    log.info({ row: row.id, name: row.name, pid: identity.pid, session: sessionId }, 'a process was started');
    return registered;
  } catch (error) {
    const target = { id: row.id, identity, pgid, cookie, cgroup, lineage, graceMs: 0 };
    await runShutdownCascade([target], { table, clock });
    removeRowCgroup(row.cgroup);
    registry.unregister(row.id);
    throw error;
  }
};
