import { randomBytes } from 'node:crypto';
import type { ProcessRecord, ProcessRegistry } from '@cm/process-registry';
import type { Clock, ProcessRow, ProcessTable } from '@cm/process-table';
import { type StopReport, scopeCookie } from '../contract/index.js';
import { type AdoptRequest, adoptProcess } from './adopt-process.js';
import type { ChildOutput } from './child-output.js';
import { WorkerError } from './errors.js';
import { createInFlight } from './in-flight.js';
import type { Latch } from './latch.js';
import type { Log } from './log.js';
import type { RowContainment } from './row-containment.js';
import { createRowMembers } from './row-members.js';
import { spawnProcess } from './spawn-process.js';
import type { SpawnRequest } from './spawn-request.js';
import { createRowStopper, type StopOptions } from './stop-rows.js';
import { createRowWatcher } from './watch-rows.js';
import { removeRowCgroup, type WorkerCgroup } from './worker-cgroup.js';

/** Starting, adopting, watching and stopping the processes of sessions: registry and cascade joined. */
export interface Processes {
  spawn(sessionId: string, request: SpawnRequest): Promise<ProcessRecord>;
  adopt(sessionId: string, request: AdoptRequest): Promise<ProcessRecord>;
  /** Stops one row and everything of it. Concurrent calls share one stop. @throws WorkerError PROCESS_NOT_FOUND */
  stop(id: string, options?: StopOptions): Promise<StopReport>;
  /** Stops rows together, those already being stopped included. */
  stopAll(rows: readonly ProcessRecord[], options?: StopOptions): Promise<StopReport>;
  /** Forgets a row of which nothing lives, and removes its cgroup. */
  forget(id: string): void;
  /** Resolves when no spawn of the session (of any, without one) is in flight. */
  settled(sessionId?: string): Promise<void>;
  /** The living members of each row, from one pass over all processes. */
  members(rows: readonly ProcessRecord[]): Promise<Map<string, ProcessRow[]>>;
  /** Notices leaders that ended without telling us. */
  lookAtAdopted(): Promise<void>;
  /** Brings every row up to date with the process table; returns the pids of rows found dead. */
  sweep(): Promise<number[]>;
}

export interface ProcessesOptions {
  readonly registry: ProcessRegistry;
  readonly table: ProcessTable;
  readonly clock: Clock;
  readonly latch: Latch;
  readonly log: Log;
  /** The real path, for cookies. */
  readonly dataDirectory: string;
  /** The worker's own environment, on which every child's is based. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly openOutput: (rowId: string) => ChildOutput;
  readonly logs: string;
  readonly containment: RowContainment;
  readonly workerCgroup: WorkerCgroup;
  /** Aborts when a second request asks for force. */
  readonly force: AbortSignal;
  readonly canSignal: (pid: number) => boolean;
}

export const createProcesses = (options: ProcessesOptions): Processes => {
  const { registry, latch } = options;
  const members = createRowMembers(options.table);
  const forget = (id: string): void => {
    const { cgroup } = registry.get(id) ?? {};
    removeRowCgroup(cgroup);
    members.forget(id);
    registry.unregister(id);
  };
  const stopper = createRowStopper({ ...options, members, forget });
  const watcher = createRowWatcher({ ...options, members, stopper, forget });
  const inFlight = createInFlight();
  const cookie = (): string => createCookie(options.dataDirectory);

  /** Waits for a namesake that is being stopped anyway; stops a running one only where that was asked for. */
  const makeRoom = async (sessionId: string, { name, onDuplicate }: SpawnRequest): Promise<void> => {
    const before = registry.getBySession(sessionId).find((row) => row.name === name);
    if (before === undefined || (onDuplicate === 'error' && !stopper.isStopping(before.id))) return;
    const report = await stopper.stop([before]);
    if (!report.ok) throw new WorkerError('DUPLICATE_NAME', `"${name}" could not be stopped`, { details: report });
    latch.assertOpen();
  };

  return {
    spawn: (sessionId, request) =>
      inFlight.track(sessionId, async () => {
        latch.assertOpen();
        await makeRoom(sessionId, request);
        return spawnProcess({ ...options, members, watcher, createCookie: cookie }, sessionId, request);
      }),
    adopt: (sessionId, request) =>
      inFlight.track(sessionId, () => {
        latch.assertOpen();
        return adoptProcess({ ...options, members }, sessionId, request);
      }),
    stop: async (id, stopOptions) => {
      const row = registry.get(id);
      if (row === undefined) throw new WorkerError('PROCESS_NOT_FOUND', `there is no process "${id}"`);
      return stopper.stop([row], stopOptions);
    },
    stopAll: stopper.stop,
    forget,
    settled: inFlight.settled,
    members: members.find,
    lookAtAdopted: watcher.lookAtAdopted,
    sweep: watcher.sweep,
  };
};

/** A cookie of this data directory. */
export const createCookie = (dataDirectory: string): string =>
  scopeCookie(randomBytes(16).toString('hex'), dataDirectory);
