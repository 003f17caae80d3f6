import { daemonPolicy, sanitizeEnv } from '@cm/env-sanitizer';
import type { ProcessRecord, ProcessRegistry } from '@cm/process-registry';
import type { Clock, ProcessTable } from '@cm/process-table';
import {
  type ContainedProcess,
  isShutdownCascadeError,
  runShutdownCascade,
  spawnContained,
} from '@cm/shutdown-cascade';
import type { ChildOutput } from './child-output.js';
import { WorkerError } from './errors.js';
import type { Log } from './log.js';
import { recordIntent, recordProcess } from './record-process.js';
import type { RowMembers } from './row-members.js';
import type { SpawnRequest } from './spawn-request.js';
import type { RowWatcher } from './watch-rows.js';

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
}

const start = async (
  { env, table }: SpawnContext,
  { cookie }: ProcessRecord,
  request: SpawnRequest,
): Promise<ContainedProcess> => {
  try {
    return await spawnContained({
      command: request.command,
      args: request.args,
      cwd: request.cwd,
      env: { ...sanitizeEnv(env, daemonPolicy), ...request.env },
      cookie,
      stdio: ['ignore', 'pipe', 'pipe'],
      table,
    });
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
  const { registry, table, clock, members, watcher, log } = context;
  const { env, onDuplicate: _decidedBefore, ...spec } = request;
  const row = recordIntent(registry, {
    ...spec,
    sessionId,
    restart: 'temporary',
    onWorkerDeath: 'kill',
    envKeys: Object.keys(env),
  });
  let child: ContainedProcess;
  try {
    child = await start(context, row, request);
  } catch (error) {
    registry.unregister(row.id);
    throw error;
  }
  const output = context.openOutput(row.id);
  output.take(child.child.stdout, child.child.stderr);
  try {
    const { identity, pgid } = child;
    const registered = recordProcess(registry, row, { identity, pgid, containment: 'group' });
    members.addChild(row.id, child);
    watcher.follow(row, child, output);
    log.info({ row: row.id, name: row.name, pid: identity.pid, session: sessionId }, 'a process was started');
    return registered;
  } catch (error) {
    const { identity, pgid } = child;
    await runShutdownCascade([{ id: row.id, identity, pgid, cookie: row.cookie, graceMs: 0 }], { table, clock });
    registry.unregister(row.id);
    throw error;
  }
};
