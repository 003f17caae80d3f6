import { mkdirSync } from 'node:fs';
import { createHealthMonitor } from '@cm/health';
import { openProcessRegistry, type ProcessRecord, type ProcessRegistry } from '@cm/process-registry';
import { type Clock, createProcessTable, type ProcessTable, systemClock } from '@cm/process-table';
import { probeContainment } from '@cm/shutdown-cascade';
import type { DataDirectory, ProcessView, SessionView, SpooledEvent, StopReport } from '../contract/index.js';
import { DEFAULTS, type Settings } from '../settings/settings.js';
import type { AdoptRequest } from './adopt-process.js';
import { childLogOf, openChildOutput } from './child-output.js';
import type { Crash } from './crashes.js';
import { messageOf, WorkerError } from './errors.js';
import { type EventLog, type EventQuery, openEventLog } from './event-log.js';
import type { SpawnOptions } from './first-runs.js';
import { type Guardian, type GuardianOptions, type GuardianStatus, startGuardian } from './guardian.js';
import { createLatch } from './latch.js';
import { type Log, silentLog } from './log.js';
import { createCookie, createProcesses, type Processes } from './processes.js';
import { pruneChildLogs } from './prune-logs.js';
import { recover } from './recover.js';
import type { Recovery } from './recovery.js';
import type { RowContainment } from './row-containment.js';
import { openSessionStore, type SessionStore, type SessionUpdate } from './session-store.js';
import { createSessions, type Sessions } from './sessions.js';
import { SPAWN_DEFAULTS, type SpawnInput } from './spawn-request.js';
import { openSpool, type Spool } from './spool.js';
import { createUndo, type Undo } from './undo.js';
import { processView, sessionView } from './views.js';
import { createWorkerCgroup, type WorkerCgroup } from './worker-cgroup.js';

export type SupervisorState = 'initializing' | 'ready' | 'stopping' | 'stopped' | 'failed';

export interface SupervisorOptions {
  /** Prepared: it exists and belongs to this user. */
  readonly dataDirectory: DataDirectory;
  readonly settings?: Partial<Omit<Settings, 'port'>>;
  /** Default: the strongest that works here. */
  readonly containment?: RowContainment;
  /** Ends everything if this process is killed. Default: there is one. */
  readonly guardian?: boolean;
  /** What the guardian runs for those that had left their group; without it they wait for the next worker. */
  readonly recoverWith?: GuardianOptions['recoverWith'];
  /** The environment that children start from. Default: empty. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly table?: ProcessTable;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly canSignal?: (pid: number) => boolean;
}

/** Facts for the doctor, gathered afresh. */
export interface SupervisorFacts {
  readonly state: SupervisorState;
  readonly processes: readonly ProcessView[];
  readonly sessions: readonly SessionView[];
  readonly deadProcessPids: readonly number[];
  readonly survivors: readonly number[];
  readonly spool: ReturnType<Spool['state']>;
  readonly hookLatenciesMs: readonly number[];
  readonly lastEventAt: string | null;
  readonly registry: ReturnType<ProcessRegistry['state']>;
  readonly registryFiles: ReturnType<ProcessRegistry['files']>;
  readonly quarantined: readonly string[];
  readonly events: ReturnType<EventLog['size']>;
  readonly recovery: Recovery | undefined;
  readonly guardian: GuardianStatus;
  /** Processes that failed although nobody had asked them to end, oldest first. */
  readonly crashes: readonly Crash[];
  /** Where the output of a row goes. */
  readonly logOf: (rowId: string) => string;
}

/**
 * Sessions, their processes and their events, without signals, ports or globals. `createWorker` gives it a claim, an API and a
 * command line.
 */
export interface Supervisor {
  state(): SupervisorState;
  /** Opens what is kept. Undoes itself when it fails half-way, and can then be tried again. */
  open(): Promise<void>;
  /** Recovers, and begins to take events and to sweep. Call it once the claim is published. */
  begin(): void;
  /** Opens, ends what an earlier worker left behind, and closes: for whoever is no worker. */
  recoverOnly(): Promise<Recovery>;
  /** Sets the latch: from here on nothing starts. True for the first caller. */
  latch(): boolean;
  /** @throws WorkerError STOPPING after the latch. */
  assertCanSpawn(): void;
  /** Stops every process. Sessions stay as they are: a restart finds them. */
  stopChildren(deadlineMs: number): Promise<StopReport>;
  /** A second request: SIGKILL now. */
  force(): void;
  /** Takes the events that already lie in the spool, then closes what is kept. */
  close(): Promise<void>;

  putSession(id: string, update: SessionUpdate): ReturnType<Sessions['put']>;
  session(id: string): SessionView;
  sessions(all?: boolean): SessionView[];
  endSession(id: string): Promise<StopReport>;
  /**
   * Starts a process. Without a free slot it is refused, or, with `waitForSlot`, waits for one until that aborts.
   *
   * @throws WorkerError SESSION_NOT_FOUND, SESSION_ENDED, STOPPING, DUPLICATE_NAME, NO_SLOT, CANNOT_SPAWN, UNAVAILABLE
   */
  spawn(sessionId: string, request: SpawnInput, options?: SpawnOptions): Promise<ProcessView>;
  adopt(sessionId: string, request: AdoptRequest): Promise<ProcessView>;
  /** With `usage`, what each uses is read too. */
  processes(options?: { readonly usage?: boolean }): Promise<ProcessView[]>;
  process(id: string): Promise<ProcessView>;
  stopProcess(id: string): Promise<StopReport>;
  /** False when the event was on record already. */
  record(event: SpooledEvent): boolean;
  events(query: EventQuery): ReturnType<EventLog['query']>;
  facts(): Promise<SupervisorFacts>;
  /** One sweep, now. */
  sweep(): Promise<void>;
}

interface Opened {
  readonly registry: ProcessRegistry;
  readonly store: SessionStore;
  readonly eventLog: EventLog;
  readonly spool: Spool;
  readonly processes: Processes;
  readonly sessions: Sessions;
  readonly workerCgroup: WorkerCgroup;
}

const canSignalByDefault = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

export const createSupervisor = (options: SupervisorOptions): Supervisor => {
  const { dataDirectory, table = createProcessTable(), clock = systemClock, log = silentLog } = options;
  const settings = { ...DEFAULTS, ...options.settings };
  const latch = createLatch();
  const forceNow = new AbortController();
  const now = (): Date => new Date(clock.wallMs());
  let state: SupervisorState = 'initializing';
  let opened: Opened | undefined;
  let recovering: Promise<void> | undefined;
  let recovery: Recovery | undefined;
  let ownerTimer: NodeJS.Timeout | undefined;
  let guardian: Guardian | undefined;
  const wantsGuardian = options.guardian !== false && settings.guardian;
  const whyNoGuardian = settings.guardian ? 'this worker has none' : 'switched off in config.json';
  const containment = options.containment ?? { ...probeContainment({ choice: settings.containment }), insisted: false };

  const parts = (): Opened => {
    if (opened === undefined) throw new WorkerError('UNAVAILABLE', 'the worker is not running');
    return opened;
  };
  const countOf = (sessionId: string): number => parts().registry.getBySession(sessionId).length;

  const record = (event: SpooledEvent): boolean => {
    const { eventLog, sessions } = parts();
    if (eventLog.has(event)) return false;
    // First what it means, which may be done twice, then the record, after which it is never done again.
    sessions.onEvent(event);
    eventLog.append(event);
    return true;
  };

  const strays = (rows: readonly ProcessRecord[], sessions: Sessions): ProcessRecord[] => {
    const live = new Set(sessions.list().map(({ id }) => id));
    return rows.filter(({ sessionId, status }) => sessionId !== '' && status !== 'intended' && !live.has(sessionId));
  };

  const sweep = async (): Promise<void> => {
    const { processes, registry, sessions, store, eventLog, spool } = parts();
    if (recovering === undefined && !latch.isSet()) startRecovery();
    await recovering;
    const dead = await processes.sweep();
    if (dead.length > 0) log.info({ pids: dead }, 'rows of dead processes were removed');
    await sessions.lookAtOwners();
    const leftBehind = strays(registry.getAll(), sessions);
    if (leftBehind.length > 0) await processes.stopAll(leftBehind);
    store.prune();
    eventLog.prune();
    spool.prune(clock.wallMs());
    pruneChildLogs(dataDirectory.logs, (id) => registry.get(id) !== undefined, clock.wallMs());
  };
  const monitor = createHealthMonitor({
    sweep,
    intervalMs: settings.sweepIntervalMs,
    onError: (error) => log.error({ error: messageOf(error) }, 'a sweep failed'),
  });

  /** What could not be read just now may be readable at the next sweep: whatever is left behind is not left alone for good. */
  const startRecovery = (): void => {
    const { registry, processes } = parts();
    recovering = recover(registry, processes, { table, clock, log }).then(
      (story) => {
        recovery = story;
      },
      (error: unknown) => {
        recovering = undefined;
        log.error({ error: messageOf(error) }, 'recovery failed; the next sweep tries again');
      },
    );
  };

  const lookAround = async (): Promise<void> => {
    const { processes, sessions } = parts();
    try {
      // Until then the rows of an earlier worker are the recovery's.
      if (recovery !== undefined) await processes.lookAtAdopted();
      await sessions.lookAtOwners();
    } catch (error) {
      log.error({ error: messageOf(error) }, 'a look at owners failed');
    }
  };

  const viewsOf = async (rows: readonly ProcessRecord[], withUsage = false): Promise<ProcessView[]> => {
    const { processes } = parts();
    // In the tick in which the rows were read: a view shows one moment.
    const pending = new Map(rows.map(({ id }) => [id, processes.pendingRestart(id)]));
    const members = await processes.members(rows);
    return Promise.all(
      rows.map(async (row) => {
        const alive = members.get(row.id) ?? [];
        return processView(
          row,
          alive,
          withUsage ? await table.usage(alive.map(({ identity }) => identity)) : undefined,
          pending.get(row.id),
        );
      }),
    );
  };
  const view = async (row: ProcessRecord): Promise<ProcessView> => {
    const { processes } = parts();
    const pending = processes.pendingRestart(row.id);
    const members = await processes.members([row]);
    return processView(row, members.get(row.id), undefined, pending);
  };

  const openParts = async (undo: Undo): Promise<Opened> => {
    mkdirSync(dataDirectory.logs, { recursive: true, mode: 0o700 });
    const registry = await openProcessRegistry({
      directory: dataDirectory.registry,
      table,
      clock,
      createCookie: () => createCookie(dataDirectory.path),
    });
    undo.add(() => registry.close());
    const store = await openSessionStore(dataDirectory.registry, now);
    undo.add(() => store.close());
    const eventLog = openEventLog({
      directory: dataDirectory.events,
      maxBytes: settings.eventsMaxBytes,
      maxAgeDays: settings.eventsMaxAgeDays,
      now,
    });
    const workerCgroup = createWorkerCgroup(containment);
    const processes = createProcesses({
      registry,
      table,
      clock,
      latch,
      log,
      dataDirectory: dataDirectory.path,
      env: options.env ?? {},
      openOutput: (rowId) => openChildOutput(dataDirectory.logs, rowId),
      logs: dataDirectory.logs,
      containment,
      workerCgroup,
      force: forceNow.signal,
      canSignal: options.canSignal ?? canSignalByDefault,
      maxProcesses: settings.maxProcesses,
      restartLimits: {
        backoffMs: settings.restartBackoffMs,
        backoffMaxMs: settings.restartBackoffMaxMs,
        intensity: settings.restartIntensity,
        periodMs: settings.restartPeriodMs,
      },
      isActive: (id) => store.get(id)?.state === 'active',
    });
    const sessions = createSessions({ store, processes, registry, table, log });
    const spool = openSpool({ dataDirectory, take: record, log });
    return { registry, store, eventLog, spool, processes, sessions, workerCgroup };
  };

  return {
    state: () => state,
    open: async () => {
      const undo = createUndo();
      try {
        opened = await openParts(undo);
      } catch (error) {
        await undo.run();
        throw error;
      }
    },
    recoverOnly: async () => {
      const undo = createUndo();
      try {
        const { registry, processes } = await openParts(undo);
        // What is to be started again is for the next worker.
        return await recover(registry, { ...processes, resume: () => true }, { table, clock, log });
      } finally {
        await undo.run();
      }
    },
    begin: () => {
      const { registry, sessions, spool } = parts();
      startRecovery();
      if (wantsGuardian) {
        const { env = {}, recoverWith } = options;
        const { parent } = parts().workerCgroup;
        const data = dataDirectory.path;
        guardian = startGuardian({ registry, clock, log, dataDirectory: data, env, recoverWith, workerCgroup: parent });
      }
      sessions.resume();
      spool.start();
      monitor.start();
      ownerTimer = setInterval(lookAround, settings.ownerIntervalMs);
      ownerTimer.unref();
      if (!latch.isSet()) state = 'ready';
    },
    latch: () => {
      if (state !== 'stopped') state = 'stopping';
      const first = latch.set();
      opened?.processes.sendAway();
      return first;
    },
    assertCanSpawn: () => latch.assertOpen(),
    stopChildren: async (deadlineMs) => {
      const { processes, registry, sessions } = parts();
      clearInterval(ownerTimer);
      await processes.settled();
      const report = await processes.stopAll(registry.getAll(), { deadlineMs });
      await recovering;
      await sessions.settled();
      return report;
    },
    force: () => forceNow.abort(),
    close: async () => {
      clearInterval(ownerTimer);
      await monitor.stop();
      if (opened !== undefined) {
        opened.processes.sendAway();
        await opened.spool.stop().catch((error: unknown) => log.error({ error: messageOf(error) }, 'spool'));
        // An event taken just now may have ended a session.
        await opened.sessions.settled();
        await guardian?.close();
        opened.store.close();
        await opened.registry.close();
      }
      state = 'stopped';
    },
    putSession: (id, update) => {
      latch.assertOpen();
      return parts().sessions.put(id, update);
    },
    session: (id) => sessionView(parts().sessions.get(id), countOf(id)),
    sessions: (all) =>
      parts()
        .sessions.list(all)
        .map((session) => sessionView(session, countOf(session.id))),
    endSession: (id) => parts().sessions.end(id, 'api'),
    spawn: async (sessionId, request, spawnOptions) => {
      latch.assertOpen();
      const session = parts().sessions.assertActive(sessionId);
      const cwd = request.cwd || session.cwd || dataDirectory.path;
      return view(await parts().processes.spawn(sessionId, { ...SPAWN_DEFAULTS, ...request, cwd }, spawnOptions));
    },
    adopt: async (sessionId, request) => {
      latch.assertOpen();
      parts().sessions.assertActive(sessionId);
      return view(await parts().processes.adopt(sessionId, request));
    },
    processes: async ({ usage = false } = {}) => viewsOf(parts().registry.getAll(), usage),
    process: (id) => {
      const row = parts().registry.get(id);
      if (row === undefined) throw new WorkerError('PROCESS_NOT_FOUND', `there is no process "${id}"`);
      return view(row);
    },
    stopProcess: (id) => parts().processes.stop(id),
    record,
    events: (query) => parts().eventLog.query(query),
    sweep,
    facts: async () => {
      const { registry, sessions, eventLog, spool, processes } = parts();
      const rows = registry.getAll();
      const pidsOf = (wanted: (row: ProcessRecord) => boolean): number[] =>
        rows.filter(wanted).flatMap(({ identity }) => (identity === undefined ? [] : [identity.pid]));
      const dead = new Set<string>();
      for (const row of rows) {
        // A row that waits for its restart is as it should be.
        if (processes.pendingRestart(row.id) !== undefined) continue;
        if (row.identity !== undefined && (await table.lookup(row.identity)).status === 'dead') dead.add(row.id);
      }
      return {
        state,
        processes: await viewsOf(rows, true),
        sessions: sessions.list().map((session) => sessionView(session, countOf(session.id))),
        deadProcessPids: pidsOf(({ id }) => dead.has(id)),
        survivors: pidsOf(({ id, status }) => status === 'survived' && !dead.has(id)),
        spool: spool.state(),
        hookLatenciesMs: spool.latencies(),
        lastEventAt: eventLog.lastAt() ?? null,
        registry: registry.state(),
        registryFiles: registry.files(),
        quarantined: registry.recovered.quarantined,
        events: eventLog.size(),
        recovery,
        guardian: guardian?.status() ?? { status: 'absent', detail: whyNoGuardian },
        crashes: processes.crashes(),
        logOf: (rowId) => childLogOf(dataDirectory.logs, rowId),
      };
    },
  };
};
