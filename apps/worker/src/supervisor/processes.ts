import { randomBytes } from 'node:crypto';
import { daemonPolicy, sanitizeEnv } from '@cm/env-sanitizer';
import {
  isProcessRegistryError,
  type ProcessRecord,
  type ProcessRegistry,
  type ProcessSpec,
} from '@cm/process-registry';
import type { Clock, ProcessIdentity, ProcessRow, ProcessTable } from '@cm/process-table';
import {
  type CascadeEvent,
  type ContainedProcess,
  isShutdownCascadeError,
  membersOf,
  runShutdownCascade,
  type StopTarget,
  spawnContained,
} from '@cm/shutdown-cascade';
import { namesDataDirectory, type StopReport, scopeCookie } from '../contract/index.js';
import type { ChildOutput } from './child-output.js';
import { messageOf, WorkerError } from './errors.js';
import type { Latch } from './latch.js';
import type { Log } from './log.js';
import { isAncestorOf, refusalOf } from './refuse-adoption.js';
import { toTarget } from './to-target.js';

export interface SpawnRequest {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly type: string;
  readonly stopSignal: NodeJS.Signals;
  readonly graceMs: number;
  readonly killWaitMs: number;
  readonly onDuplicate: 'error' | 'replace';
}

export interface AdoptRequest {
  readonly pid: number;
  readonly startToken?: string | undefined;
  readonly name: string;
  readonly type: string;
}

export interface StopOptions {
  readonly deadlineMs?: number | undefined;
  readonly onProgress?: (event: CascadeEvent) => void;
}

export interface Processes {
  spawn(sessionId: string, request: SpawnRequest): Promise<ProcessRecord>;
  adopt(sessionId: string, request: AdoptRequest): Promise<ProcessRecord>;
  /** Stops one row and everything of it. Concurrent calls share one stop. */
  stop(id: string, options?: StopOptions): Promise<StopReport>;
  /** Stops rows together, those already being stopped included. */
  stopAll(rows: readonly ProcessRecord[], options?: StopOptions): Promise<StopReport>;
  /** Resolves when no spawn of the session (of any, without one) is in flight. */
  settled(sessionId?: string): Promise<void>;
  /** The living members of each row, from one pass over all processes. */
  members(rows: readonly ProcessRecord[]): Promise<Map<string, ProcessRow[]>>;
  /** Notices leaders that ended without telling us: adopted ones, and those of an earlier worker. */
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
  /** Aborts when a second request asks for force. */
  readonly force: AbortSignal;
  readonly canSignal: (pid: number) => boolean;
}

const emptyReport = (clock: Clock): StopReport => ({
  ok: true,
  startedAt: new Date(clock.wallMs()).toISOString(),
  durationMs: 0,
  targets: [],
  survivors: [],
  escaped: [],
});

const earlier = (a: string, b: string): string => (Date.parse(a) <= Date.parse(b) ? a : b);

const mergeReports = (reports: readonly StopReport[], clock: Clock): StopReport => {
  const [first = emptyReport(clock), ...rest] = reports;
  return rest.reduce<StopReport>(
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
};

/** Starting, adopting, watching and stopping the processes of sessions: registry and cascade joined. */
export const createProcesses = (options: ProcessesOptions): Processes => {
  const { registry, table, clock, latch, log, dataDirectory, force } = options;
  const children = new Map<string, ContainedProcess>();
  /** Members seen once belong to their row for good, whatever becomes of their links. */
  const known = new Map<string, readonly ProcessIdentity[]>();
  const stops = new Map<string, Promise<StopReport>>();
  const inFlight = new Map<Promise<unknown>, string>();

  const targetOf = (row: ProcessRecord): StopTarget | undefined =>
    toTarget(row, known.get(row.id), children.get(row.id)?.exited);

  const forget = (id: string): void => {
    children.delete(id);
    known.delete(id);
    registry.unregister(id);
  };

  const members: Processes['members'] = async (rows) => {
    const listing = await table.list({ cookies: true });
    const never = new Set([process.pid, process.ppid]);
    return new Map(
      rows.map((row) => {
        const target = targetOf(row);
        const found = target === undefined ? [] : membersOf(target, listing, never);
        known.set(
          row.id,
          found.map(({ identity }) => identity),
        );
        return [row.id, found];
      }),
    );
  };

  /** A row whose leader has ended stays while anything of it lives. */
  const settleEnded = async (id: string): Promise<void> => {
    const row = registry.get(id);
    if (row === undefined || stops.has(id)) return;
    const left = (await members([row])).get(id) ?? [];
    if (left.length === 0 && !stops.has(id)) forget(id);
  };

  const onExit = async (
    row: ProcessRecord,
    child: ContainedProcess,
    output: ChildOutput,
    exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null },
  ): Promise<void> => {
    // At this moment the group's number is still taken by whoever is left in it, so they are ours without further proof.
    const group = await table.groupMembers(child.pgid);
    if (group.length > 0) {
      known.set(row.id, [...(known.get(row.id) ?? []), ...group.map(({ identity }) => identity)]);
    }
    const stderrTail = output.stderrTail();
    registry.transition(row.id, { type: 'exited', ...exit }, { stderrTail });
    const asked = registry.get(row.id)?.exit?.reason === 'asked';
    if (!asked && exit.code !== 0) {
      log.warn({ row: row.id, name: row.name, pid: child.identity.pid, ...exit, stderrTail }, 'a process failed');
    } else log.info({ row: row.id, name: row.name, pid: child.identity.pid, ...exit }, 'a process ended');
    children.delete(row.id);
    await settleEnded(row.id);
  };

  const track = <T>(sessionId: string, work: Promise<T>): Promise<T> => {
    inFlight.set(work, sessionId);
    const done = (): void => void inFlight.delete(work);
    work.then(done, done);
    return work;
  };

  const prepare = (spec: ProcessSpec, cookie?: string): ProcessRecord => {
    try {
      return registry.prepare(spec, cookie === undefined ? {} : { cookie });
    } catch (error) {
      if (isProcessRegistryError(error) && error.code === 'duplicate') {
        throw new WorkerError('DUPLICATE_NAME', `the session already runs a process named "${spec.name}"`);
      }
      throw new WorkerError('UNAVAILABLE', `the registry cannot be written: ${messageOf(error)}`, { cause: error });
    }
  };

  const register = (row: ProcessRecord, details: Parameters<ProcessRegistry['register']>[1]): ProcessRecord => {
    try {
      return registry.register(row.id, details);
    } catch (error) {
      if (isProcessRegistryError(error) && error.code === 'duplicate') {
        throw new WorkerError('ALREADY_OURS', `process ${details.identity.pid} is already registered`);
      }
      throw new WorkerError('UNAVAILABLE', `the registry cannot be written: ${messageOf(error)}`, { cause: error });
    }
  };

  /** Waits for a namesake that is being stopped anyway; stops a running one only where that was asked for. */
  const makeRoom = async (sessionId: string, name: string, onDuplicate: SpawnRequest['onDuplicate']): Promise<void> => {
    const before = registry.getBySession(sessionId).find((row) => row.name === name);
    if (before === undefined || (onDuplicate === 'error' && !stops.has(before.id))) return;
    const report = await stop(before.id);
    if (!report.ok) throw new WorkerError('DUPLICATE_NAME', `"${name}" could not be stopped`, { details: report });
    latch.assertOpen();
  };

  const spawnNow = async (sessionId: string, request: SpawnRequest): Promise<ProcessRecord> => {
    latch.assertOpen();
    const { env, onDuplicate, ...rest } = request;
    await makeRoom(sessionId, request.name, onDuplicate);
    const row = prepare({
      ...rest,
      sessionId,
      restart: 'temporary',
      onWorkerDeath: 'kill',
      envKeys: Object.keys(env),
    });
    let child: ContainedProcess;
    try {
      child = await spawnContained({
        command: request.command,
        args: request.args,
        cwd: request.cwd,
        env: { ...sanitizeEnv(options.env, daemonPolicy), ...env },
        cookie: row.cookie,
        stdio: ['ignore', 'pipe', 'pipe'],
        table,
      });
    } catch (error) {
      registry.unregister(row.id);
      if (!isShutdownCascadeError(error)) throw error;
      throw new WorkerError('CANNOT_SPAWN', error.message, { cause: error, details: { errno: error.errno } });
    }
    const output = options.openOutput(row.id);
    output.take(child.child.stdout, child.child.stderr);
    try {
      const registered = register(row, {
        identity: child.identity,
        pgid: child.pgid,
        containment: 'group',
        adopted: false,
        attached: false,
      });
      children.set(row.id, child);
      void child.exited
        .then((exit) => onExit(row, child, output, exit))
        .catch((error: unknown) => {
          log.error({ row: row.id, error: messageOf(error) }, 'the end of a process could not be recorded');
        });
      log.info({ row: row.id, name: row.name, pid: child.identity.pid, session: sessionId }, 'a process was started');
      return registered;
    } catch (error) {
      // No process runs unrecorded (R13).
      await runShutdownCascade(
        [{ id: row.id, identity: child.identity, pgid: child.pgid, cookie: row.cookie, graceMs: 0 }],
        { table, clock },
      );
      registry.unregister(row.id);
      throw error;
    }
  };

  const adoptNow = async (sessionId: string, request: AdoptRequest): Promise<ProcessRecord> => {
    latch.assertOpen();
    const listing = await table.list({ cookies: true });
    const found = listing.find(({ identity, state }) => identity.pid === request.pid && state !== 'zombie');
    const refusal = refusalOf(request, found, {
      isAncestor: (pid) => isAncestorOf(listing, pid, process.pid),
      canSignal: options.canSignal,
    });
    if (refusal !== undefined || found === undefined) {
      throw new WorkerError('NOT_ADOPTABLE', refusal ?? `there is no process ${request.pid}`);
    }
    const never = new Set([process.pid, process.ppid]);
    const owned = registry.getAll().some((row) => {
      const target = targetOf(row);
      return (
        target !== undefined && membersOf(target, listing, never).some(({ identity }) => identity.pid === request.pid)
      );
    });
    if (owned) throw new WorkerError('ALREADY_OURS', `process ${request.pid} already belongs to a session`);
    // `cm-worker exec` starts its command with a cookie of this data directory, in a group of its own; others come as they are.
    const ours = namesDataDirectory(found.cookie, dataDirectory);
    const args = await table.commandLine(found.identity);
    const row = prepare(
      {
        name: request.name,
        sessionId,
        type: request.type,
        command: args[0] ?? found.command,
        args: args.slice(1),
        cwd: '',
        restart: 'temporary',
        stopSignal: 'SIGTERM',
        graceMs: 5000,
        killWaitMs: 1000,
        onWorkerDeath: 'kill',
        envKeys: [],
      },
      ours ? (found.cookie ?? '') : '',
    );
    try {
      const registered = register(row, {
        identity: found.identity,
        ...(ours && found.pgid === request.pid ? { pgid: found.pgid } : {}),
        containment: ours ? 'group' : 'scan',
        adopted: true,
        attached: ours,
      });
      log.info({ row: row.id, name: row.name, pid: request.pid, session: sessionId }, 'a process was adopted');
      return registered;
    } catch (error) {
      registry.unregister(row.id);
      throw error;
    }
  };

  const applyOutcome = (target: StopReport['targets'][number]): void => {
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

  const stopRows = async (
    rows: readonly ProcessRecord[],
    { deadlineMs, onProgress }: StopOptions,
  ): Promise<StopReport> => {
    const targets = rows.flatMap((row) => targetOf(row) ?? []);
    for (const { id } of targets) registry.transition(id, { type: 'stop-asked' });
    const report = await runShutdownCascade(targets, {
      table,
      clock,
      deadlineMs,
      force,
      onProgress,
    });
    for (const target of report.targets) applyOutcome(target);
    return report;
  };

  const stopAll: Processes['stopAll'] = async (rows, stopOptions = {}) => {
    const running = rows.flatMap(({ id }) => stops.get(id) ?? []);
    const fresh = rows.filter(({ id }) => !stops.has(id));
    const own = stopRows(fresh, stopOptions);
    for (const { id } of fresh) stops.set(id, own);
    try {
      return mergeReports([await own, ...(await Promise.all(new Set(running)))], clock);
    } finally {
      for (const { id } of fresh) stops.delete(id);
    }
  };

  const stop: Processes['stop'] = async (id, stopOptions) => {
    const row = registry.get(id);
    if (row === undefined) throw new WorkerError('PROCESS_NOT_FOUND', `there is no process "${id}"`);
    return stopAll([row], stopOptions);
  };

  /** A leader that is not our child announces its end to nobody. */
  const lookAtAdopted = async (): Promise<void> => {
    for (const row of registry.getAll()) {
      if (row.status !== 'running' || row.identity === undefined || children.has(row.id)) continue;
      if ((await table.lookup(row.identity)).status !== 'dead') continue;
      registry.transition(row.id, { type: 'exited', code: null, signal: null });
      log.info({ row: row.id, name: row.name, pid: row.identity.pid }, 'an adopted process ended');
      await settleEnded(row.id);
    }
  };

  return {
    spawn: (sessionId, request) => track(sessionId, spawnNow(sessionId, request)),
    adopt: (sessionId, request) => track(sessionId, adoptNow(sessionId, request)),
    stop,
    stopAll,
    settled: async (sessionId) => {
      for (;;) {
        const pending = [...inFlight].filter(([, id]) => sessionId === undefined || id === sessionId);
        if (pending.length === 0) return;
        await Promise.allSettled(pending.map(([work]) => work));
      }
    },
    members,
    lookAtAdopted,
    sweep: async () => {
      await lookAtAdopted();
      const rows = registry.getAll().filter(({ id, status }) => status !== 'intended' && !stops.has(id));
      const alive = await members(rows);
      const empty = new Set(rows.filter(({ id }) => alive.get(id)?.length === 0).map(({ id }) => id));
      const pruned = await registry.pruneDeadEntries({ spare: ({ id }) => !empty.has(id) || children.has(id) });
      for (const row of pruned) forget(row.id);
      return pruned.flatMap(({ identity }) => (identity === undefined ? [] : [identity.pid]));
    },
  };
};

/** A cookie of this data directory. */
export const createCookie = (dataDirectory: string): string =>
  scopeCookie(randomBytes(16).toString('hex'), dataDirectory);
