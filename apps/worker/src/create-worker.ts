import { statSync } from 'node:fs';
import { acquirePidFile, inspectPidFile, type PidFileFields, type PidFileHandle } from '@cm/pid-file';
import { readPidFile } from '@cm/pid-file/read';
import { type Clock, createProcessTable, type ProcessTable, systemClock } from '@cm/process-table';
import { probeContainment } from '@cm/shutdown-cascade';
import {
  type DataDirectory,
  type DoctorBody,
  dataDirectoryAt,
  type HealthBody,
  LOOPBACK,
  PROTOCOL,
  prepareDirectory,
  type ReadinessBody,
  type StopReport,
} from './contract/index.js';
import { listenOnPort, PortTakenError } from './listen-on-port.js';
import { createServer, type WorkerServer } from './server/create-server.js';
import { ensureToken } from './server/token.js';
import type { Settings } from './settings/settings.js';
import { createSupervisor, type Supervisor, type SupervisorOptions } from './supervisor/create-supervisor.js';
import { examine } from './supervisor/doctor.js';
import { messageOf } from './supervisor/errors.js';
import { type Log, silentLog } from './supervisor/log.js';
import { createUndo } from './supervisor/undo.js';

export interface WorkerOptions {
  readonly dataDirectory: DataDirectory;
  readonly settings: Settings;
  readonly version: string;
  /** The environment that children start from. Default: empty. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly table?: ProcessTable;
  readonly clock?: Clock;
  readonly log?: Log;
  /** The command line program, for the guardian: see `SupervisorOptions.recoverWith`. */
  readonly recoverWith?: SupervisorOptions['recoverWith'];
}

export interface StopRequest {
  /** SIGKILL without grace, also in a stop that has begun. */
  readonly force?: boolean;
  readonly reason: string;
}

/** What the end of a worker came to: what became of the children, and every step that failed. */
export interface StopSummary {
  readonly reason: string;
  readonly children: StopReport | undefined;
  readonly problems: readonly string[];
}

/**
 * Why a worker did not start.
 *
 * - `held`: the data directory is in use. `unusable`: the data directory or something in it cannot be used.
 * - `port-taken`: the exact port that was asked for is taken.
 */
export type StartFailure = 'held' | 'unusable' | 'port-taken';

export class WorkerStartError extends Error {
  override readonly name = 'WorkerStartError';
  readonly failure: StartFailure;

  constructor(failure: StartFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

export interface Worker extends AsyncDisposable {
  readonly supervisor: Supervisor;
  /** Claim, token, journals, port, PID file, in this order; undone in reverse when one fails. @throws WorkerStartError */
  start(): Promise<{ readonly port: number }>;
  /** Once: children first, then the API, the journals, and last the claim. A second call returns the same summary, and may force. */
  stop(request: StopRequest): Promise<StopSummary>;
  /** Resolves when it has stopped, whoever asked. */
  readonly stopped: Promise<StopSummary>;
}

/** How long a holder that publishes nothing is waited for: it cleans up after a killed worker, or is on its way in or out. */
const UNPUBLISHED_HOLDER_MS = 2_000;
const UNPUBLISHED_HOLDER_PAUSE_MS = 25;

/** Which directory a path names at this moment; undefined when there is none. */
const placeOf = (path: string): string | undefined => {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
};

/** The daemon: a supervisor with the claim on its data directory and an API on the loopback interface. */
export const createWorker = (options: WorkerOptions): Worker => {
  const { settings, version, env = {}, table = createProcessTable(), clock = systemClock, log = silentLog } = options;
  const containment = {
    ...probeContainment({ choice: settings.containment }),
    insisted: settings.containment === 'cgroup',
  };
  let { dataDirectory } = options;
  let handle: PidFileHandle | undefined;
  let pidFileWatch: Disposable | undefined;
  let server: WorkerServer | undefined;
  let token = '';
  let port = 0;
  let startedAtMs = clock.monotonicMs();
  let startedAt = '';
  let starting: ReturnType<Worker['start']> | undefined;
  let stopping: Promise<StopSummary> | undefined;
  let announceStop: (summary: StopSummary) => void = () => {};
  const stopped = new Promise<StopSummary>((resolve) => {
    announceStop = resolve;
  });
  const supervisor = createSupervisor({
    dataDirectory,
    settings,
    containment,
    env,
    table,
    clock,
    log,
    recoverWith: options.recoverWith,
  });

  const uptimeSeconds = (): number => Math.floor((clock.monotonicMs() - startedAtMs) / 1000);
  const readiness = (): ReadinessBody => {
    const state = supervisor.state();
    return { status: state === 'stopped' ? 'stopping' : state };
  };
  const health = (): HealthBody => ({
    status: supervisor.state() === 'ready' ? 'ok' : 'degraded',
    version,
    protocol: PROTOCOL,
    pid: process.pid,
    instanceId: handle?.instanceId ?? '',
    uptimeSeconds: uptimeSeconds(),
  });
  const doctor = async (): Promise<DoctorBody> =>
    examine({
      dataDirectory,
      env,
      version,
      pidFile: await inspectPidFile(dataDirectory.pidFile, { table, dataDir: dataDirectory.path }),
      claim: { status: 'held', by: process.pid, detail: 'kernel lock and PID file are this worker’s' },
      containment,
      worker: {
        facts: await supervisor.facts(),
        supervisor: {
          state: supervisor.state(),
          pid: process.pid,
          instanceId: handle?.instanceId ?? null,
          startedAt,
          uptimeSeconds: uptimeSeconds(),
          port,
        },
      },
    });

  const claim = async (): Promise<PidFileHandle> => {
    const endsAtMs = clock.monotonicMs() + UNPUBLISHED_HOLDER_MS;
    let acquired = await acquirePidFile(dataDirectory.pidFile, { table });
    while (acquired.status === 'held' && acquired.reason === 'lock' && clock.monotonicMs() < endsAtMs) {
      await clock.sleep(UNPUBLISHED_HOLDER_PAUSE_MS);
      acquired = await acquirePidFile(dataDirectory.pidFile, { table });
    }
    if (acquired.status === 'held') throw new WorkerStartError('held', acquired.message);
    if (acquired.status === 'failed') throw new WorkerStartError('unusable', acquired.reason);
    return acquired.handle;
  };

  /** The file may be removed under a live worker, or replaced (fault 21): put back where nothing is, never over somebody else's. */
  const watchPidFile = (mine: PidFileHandle, fields: PidFileFields): Disposable => {
    const place = placeOf(dataDirectory.path);
    let told = false;
    const look = async (): Promise<void> => {
      if (mine.isStillMine()) return;
      if (placeOf(dataDirectory.path) !== place) {
        // The claim is on a directory that is not at this path any more: whoever starts here next is right to.
        void stop({ reason: 'the data directory is gone' });
        return;
      }
      const { status } = readPidFile(dataDirectory.pidFile);
      if (!told) log.warn({ status }, 'worker.pid is not this worker’s any more');
      told = status !== 'missing';
      if (status === 'missing') await mine.update(fields);
    };
    const timer = setInterval(() => {
      look().catch((error: unknown) => log.error({ error: messageOf(error) }, 'worker.pid could not be put back'));
    }, settings.ownerIntervalMs);
    timer.unref();
    return { [Symbol.dispose]: () => clearInterval(timer) };
  };

  const bind = async (bound: WorkerServer): Promise<number> => {
    try {
      return await listenOnPort((wanted) => bound.listen(wanted), settings.port, clock);
    } catch (error) {
      if (error instanceof PortTakenError) throw new WorkerStartError('port-taken', error.message, { cause: error });
      throw new WorkerStartError('unusable', `cannot listen on port ${settings.port.value}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  };

  const startNow: Worker['start'] = async () => {
    if (containment.tier === 'none')
      throw new WorkerStartError('unusable', `${containment.why}: use --containment auto or group`);
    const prepared = prepareDirectory(dataDirectory.path);
    if (!prepared.ok) throw new WorkerStartError('unusable', `the data directory cannot be used: ${prepared.reason}`);
    dataDirectory = dataDirectoryAt(prepared.path);
    const undo = createUndo();
    try {
      const mine = await claim();
      handle = mine;
      undo.add(() => mine.release());
      token = ensureToken(dataDirectory);
      await supervisor.open();
      undo.add(() => supervisor.close());
      const bound = createServer({
        supervisor,
        table,
        health,
        readiness,
        doctor,
        log,
        token: () => token,
        proof: () => mine.proof,
        onStopRequest: (request) => void stop(request),
      });
      server = bound;
      undo.add(() => bound.close(0));
      port = await bind(bound);
      startedAtMs = clock.monotonicMs();
      const fields = { port, address: LOOPBACK, version, protocol: PROTOCOL, dataDir: dataDirectory.path };
      ({ startedAt } = await mine.update(fields));
      const watch = watchPidFile(mine, fields);
      undo.add(() => watch[Symbol.dispose]());
      pidFileWatch = watch;
      supervisor.begin();
      log.info({ port, pid: process.pid, dataDir: dataDirectory.path, version }, 'the worker is ready');
      return { port };
    } catch (error) {
      await undo.run();
      if (error instanceof WorkerStartError) throw error;
      throw new WorkerStartError('unusable', messageOf(error), { cause: error });
    }
  };

  const stopNow = async (reason: string): Promise<StopSummary> => {
    const problems: string[] = [];
    // Each step for itself: none keeps the next from happening (field failure 46).
    const step = async <T>(name: string, run: () => Promise<T> | undefined): Promise<T | undefined> => {
      try {
        return await run();
      } catch (error) {
        problems.push(`${name}: ${messageOf(error)}`);
        log.error({ step: name, error: messageOf(error) }, 'a step of the shutdown failed');
        return undefined;
      }
    };
    log.info({ reason }, 'the worker is stopping');
    // A start under way first comes to its end: what it has begun is then known, and is stopped like everything else.
    const started = await starting?.then(
      () => true,
      () => false,
    );
    if (started !== true) return { reason, children: undefined, problems };
    const children = await step('children', () => supervisor.stopChildren(settings.childrenStopMs));
    if (children?.ok === false) {
      log.warn({ survivors: children.survivors, escaped: children.escaped }, 'not every process could be stopped');
    }
    await step('http', () => server?.close(settings.httpStopMs));
    await step('journals', () => supervisor.close());
    pidFileWatch?.[Symbol.dispose]();
    await step('claim', () => handle?.release());
    log.info({ reason, problems }, 'the worker has stopped');
    return { reason, children, problems };
  };

  const start: Worker['start'] = () => {
    starting = startNow();
    return starting;
  };

  const stop: Worker['stop'] = ({ force = false, reason }) => {
    // Synchronously, before anything is awaited: two requests at once start one shutdown (R1).
    supervisor.latch();
    if (force) supervisor.force();
    if (stopping === undefined) {
      stopping = stopNow(reason);
      void stopping.then(announceStop);
    }
    return stopping;
  };

  return {
    supervisor,
    start,
    stop,
    stopped,
    [Symbol.asyncDispose]: async () => void (await stop({ reason: 'disposed' })),
  };
};
