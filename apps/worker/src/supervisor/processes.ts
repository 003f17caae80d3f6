import { randomBytes } from 'node:crypto';
import type { ProcessRecord, ProcessRegistry } from '@cm/process-registry';
import type { Clock, ProcessRow, ProcessTable } from '@cm/process-table';
import { type StopReport, scopeCookie } from '../contract/index.js';
import { type AdoptRequest, adoptProcess } from './adopt-process.js';
import type { ChildOutput } from './child-output.js';
import { type Crash, createCrashes } from './crashes.js';
import { WorkerError } from './errors.js';
import { createFirstRuns, type SpawnOptions } from './first-runs.js';
import { createHeldSlots } from './held-slots.js';
import { createInFlight } from './in-flight.js';
import { intendFirstRun, intendNextRun } from './intend-run.js';
import type { Latch } from './latch.js';
import type { Log } from './log.js';
import type { RestartLimits } from './restart-policy.js';
import { createRestarter, type PendingRestart, type Restarter } from './restarter.js';
import type { RowContainment } from './row-containment.js';
import { createRowMembers } from './row-members.js';
import { createSlots } from './slots.js';
import { spawnProcess } from './spawn-process.js';
import type { SpawnRequest } from './spawn-request.js';
import { createRowStopper, type RowStopper, type StopOptions } from './stop-rows.js';
import { createRowWatcher } from './watch-rows.js';
import { removeRowCgroup, type WorkerCgroup } from './worker-cgroup.js';

/** Starting, adopting, watching, restarting and stopping the processes of sessions: registry and cascade joined. */
export interface Processes {
  /** @throws WorkerError STOPPING, SESSION_ENDED, DUPLICATE_NAME, NO_SLOT, CANNOT_SPAWN, UNAVAILABLE */
  spawn(sessionId: string, request: SpawnRequest, options?: SpawnOptions): Promise<ProcessRecord>;
  adopt(sessionId: string, request: AdoptRequest): Promise<ProcessRecord>;
  /** Stops one row and everything of it. Concurrent calls share one stop. @throws WorkerError PROCESS_NOT_FOUND */
  stop(id: string, options?: StopOptions): Promise<StopReport>;
  /** Stops rows together, those already being stopped included. */
  stopAll(rows: readonly ProcessRecord[], options?: StopOptions): Promise<StopReport>;
  /** Forgets a row of which nothing lives, and removes its cgroup. */
  forget(id: string): void;
  /** Starts a process that was to outlive its worker, and ended while nobody looked, if its policy says so. False: it does not. */
  resume(row: ProcessRecord): boolean;
  /** Sends away whoever waits for a slot in the session, or, without one, whatever waits for a slot or a restart at all. */
  sendAway(sessionId?: string): void;
  /** Resolves when no spawn of the session (of any, without one) is in flight. */
  settled(sessionId?: string): Promise<void>;
  /** The living members of each row, from one pass over all processes. */
  members(rows: readonly ProcessRecord[]): Promise<Map<string, ProcessRow[]>>;
  /** The restart that a row waits for. */
  pendingRestart(id: string): PendingRestart | undefined;
  /** The latest processes that failed unasked. */
  crashes(): Crash[];
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
  /** How many may run at once; 0: no limit. */
  readonly maxProcesses: number;
  readonly restartLimits: RestartLimits;
  readonly isActive: (sessionId: string) => boolean;
}

export const createProcesses = (options: ProcessesOptions): Processes => {
  const { registry, clock, latch, restartLimits } = options;
  const members = createRowMembers(options.table);
  const slots = createSlots(options.maxProcesses);
  const held = createHeldSlots();
  const crashes = createCrashes(clock);
  const inFlight = createInFlight();
  const busy = createInFlight();
  const forget = (id: string): void => {
    removeRowCgroup(registry.get(id)?.cgroup);
    registry.unregister(id);
  };

  const restarter: Restarter = createRestarter({
    ...options,
    limits: restartLimits,
    slots,
    held,
    crashes,
    busy,
    clear: (row, signal) => stopper.clear(row, signal),
    start: (row, request, restarts) => spawnProcess(context, intendNextRun(context, row, request, restarts), request),
    forget,
  });
  const stopper: RowStopper = createRowStopper({ ...options, members, busy, giveUp: restarter.giveUp, forget });
  const watcher = createRowWatcher({ ...options, members, stopper, restarter, crashes, forget });
  const context = { ...options, members, watcher, createCookie: () => createCookie(options.dataDirectory) };
  // However a row goes, nothing is held for it any longer.
  registry.subscribe(({ type, row: { id } }) => {
    if (type !== 'removed') return;
    held.release(id);
    members.forget(id);
    restarter.forget(id);
  });

  const firstRuns = createFirstRuns({
    ...options,
    slots,
    held,
    busy,
    inFlight,
    stopper,
    restarter,
    intend: (sessionId, request) => intendFirstRun(context, sessionId, request),
    start: (row, request) => spawnProcess(context, row, request),
  });

  return {
    spawn: firstRuns.spawn,
    adopt: (sessionId, request) =>
      inFlight.track(sessionId, () => {
        latch.assertOpen();
        return adoptProcess({ ...options, members, assertNameFree: firstRuns.assertNameFree }, sessionId, request);
      }),
    stop: async (id, stopOptions) => {
      const row = registry.get(id);
      if (row === undefined) throw new WorkerError('PROCESS_NOT_FOUND', `there is no process "${id}"`);
      return stopper.stop([row], stopOptions);
    },
    stopAll: stopper.stop,
    forget,
    resume: (row) => {
      // Somebody else may have looked meanwhile, and sees to it.
      if (registry.get(row.id) !== row || restarter.pending(row.id) !== undefined) return true;
      const after = registry.transition(row.id, { type: 'found-dead' });
      return after !== undefined && restarter.ended(after);
    },
    sendAway: (sessionId) => {
      if (sessionId === undefined) restarter.close();
      firstRuns.sendAway(sessionId);
    },
    settled: inFlight.settled,
    members: members.find,
    pendingRestart: restarter.pending,
    crashes: crashes.list,
    lookAtAdopted: watcher.lookAtAdopted,
    sweep: watcher.sweep,
  };
};

/** A cookie of this data directory. */
export const createCookie = (dataDirectory: string): string =>
  scopeCookie(randomBytes(16).toString('hex'), dataDirectory);
