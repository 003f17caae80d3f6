import { type Schedule, scheduleUnref } from '@cm/health';
import {
  isEnded,
  type ProcessExit,
  type ProcessRecord,
  type ProcessRegistry,
  type RestartHistory,
} from '@cm/process-registry';
import type { Clock } from '@cm/process-table';
import type { Crashes } from './crashes.js';
import { isWorkerError, messageOf } from './errors.js';
import type { HeldSlots } from './held-slots.js';
import type { InFlight } from './in-flight.js';
import type { Latch } from './latch.js';
import type { Log } from './log.js';
import { fromHistory, toHistory } from './restart-history.js';
import { decideRestart, NO_RESTARTS, noteRestart, type RestartLimits, type Restarts } from './restart-policy.js';
import type { Slots } from './slots.js';
import { requestOf, type SpawnRequest } from './spawn-request.js';

/** A row that has ended and waits to be started again. */
export interface PendingRestart {
  /** ISO 8601. It may come later, when it has to wait for a slot. */
  readonly at: string;
  /** There were too many restarts: it pauses. */
  readonly storm: boolean;
  /** Its time has come, but it has no slot. */
  readonly waitsForSlot: boolean;
}

/** Starts processes again whose policy says so, under the row that they have. */
export interface Restarter {
  /** Notes the start of a row, with what another one needs. */
  started(rowId: string, request: SpawnRequest): void;
  /**
   * Decides about a row whose process has ended. True: the row stays, and its process is started again. To be called in the tick in which
   * the end is recorded: from then on the row holds its name by what is known here.
   */
  ended(row: ProcessRecord): boolean;
  /** Whether a row waits for its restart, or is being started again. */
  pending(rowId: string): PendingRestart | undefined;
  /** A stop was asked for: no restart of this row any more. One whose spawn is in flight comes to its end first. */
  giveUp(rowId: string): void;
  /** No restart of any row any more. */
  close(): void;
  /** Forgets all that is known of a row. */
  forget(rowId: string): void;
}

export interface RestarterOptions {
  readonly registry: Pick<ProcessRegistry, 'get' | 'transition'>;
  readonly clock: Clock;
  readonly latch: Pick<Latch, 'isSet'>;
  readonly log: Log;
  readonly limits: RestartLimits;
  readonly slots: Pick<Slots, 'reserve'>;
  readonly held: HeldSlots;
  readonly crashes: Pick<Crashes, 'note'>;
  /** By row: what whoever stops it has to wait for. */
  readonly busy: Pick<InFlight, 'track'>;
  readonly isActive: (sessionId: string) => boolean;
  /** Ends what is left of a row whose leader has ended. False: something of it lives on. The signal cuts it short. */
  readonly clear: (row: ProcessRecord, signal: AbortSignal) => Promise<boolean>;
  /** Intent, spawn, record. Whatever it throws, nothing runs. */
  readonly start: (row: ProcessRecord, request: SpawnRequest, restarts: RestartHistory) => Promise<unknown>;
  readonly forget: (rowId: string) => void;
  /** Default: timers that keep nobody alive. */
  readonly schedule?: Schedule | undefined;
}

/** The latest run of a row. */
interface Run {
  /** Undefined where the values of its variables are not known. */
  readonly request: SpawnRequest | undefined;
  readonly restarts: Restarts;
  readonly startedAtMs: number;
}

interface Pending extends PendingRestart {
  waitsForSlot: boolean;
  readonly dueAtMs: number;
  readonly controller: AbortController;
}

/** What comes first: what is left of a predecessor is stopped at once, but not again and again without a pause. */
type First = 'clear' | 'wait';

/** How a run ended that never began. */
const NOT_STARTED: ProcessExit = { code: null, signal: null, reason: 'crashed' };

export const createRestarter = (options: RestarterOptions): Restarter => {
  const { registry, clock, latch, log, limits, slots, held, crashes, busy, isActive, clear, start, forget } = options;
  const { schedule = scheduleUnref } = options;
  const runs = new Map<string, Run>();
  const pendings = new Map<string, Pending>();
  const givenUp = new Set<string>();
  let closed = false;

  const mayStart = ({ sessionId }: ProcessRecord): boolean => !closed && !latch.isSet() && isActive(sessionId);

  /** A run that an earlier worker began: all that is known of it is on record. */
  const recall = (row: ProcessRecord): Run => ({
    request: requestOf(row),
    restarts: fromHistory(row.restarts, clock),
    startedAtMs: clock.monotonicMs() - Math.max(0, clock.wallMs() - Date.parse(row.startedAt)),
  });

  const pause = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = schedule(done, ms);
      signal.addEventListener('abort', done, { once: true });
    });

  /** Counts as a run, so that what cannot be started is not tried without end. */
  const failed = (row: ProcessRecord, how: string, first: First): boolean => {
    crashes.note({ rowId: row.id, name: row.name, sessionId: row.sessionId, how });
    log.warn({ row: row.id, name: row.name, session: row.sessionId, how }, 'a process could not be started again');
    return decide(row, NOT_STARTED, first);
  };

  const noteStart = (row: ProcessRecord, { request, restarts }: Run): Restarts => {
    const startedAtMs = clock.monotonicMs();
    const noted = noteRestart(restarts, startedAtMs);
    runs.set(row.id, { request, restarts: noted, startedAtMs });
    return noted;
  };

  const startAgain = async (
    row: ProcessRecord,
    request: SpawnRequest,
    restarts: Restarts,
    own: Pending,
  ): Promise<void> => {
    try {
      await start(row, request, toHistory(restarts, clock));
      // It may have ended by now, and wait for the next restart.
      if (pendings.get(row.id) === own) pendings.delete(row.id);
    } catch (error) {
      const now = registry.get(row.id);
      // Something of it would not go, or it runs after all: nothing may be started beside it.
      if (now !== undefined && now.status !== 'intended' && !isEnded(now.status)) return void pendings.delete(row.id);
      const after = registry.transition(row.id, { type: 'exited', code: null, signal: null });
      // Only what the system says about the start: a message may quote anything.
      const errno = isWorkerError(error) && error.code === 'CANNOT_SPAWN' ? messageOf(error) : 'no start on record';
      if (after === undefined || failed(after, errno, 'clear')) return;
      pendings.delete(row.id);
      forget(row.id);
    }
  };

  const carryOut = async (
    row: ProcessRecord,
    run: Run,
    request: SpawnRequest,
    own: Pending,
    first: First,
  ): Promise<void> => {
    const { signal } = own.controller;
    if (first === 'wait') await pause(own.dueAtMs - clock.monotonicMs(), signal);
    if (signal.aborted) return;
    // Where processes cannot be listed just now, nothing is known to be gone.
    const cleared = await busy.track(row.id, () => clear(row, signal)).catch(() => false);
    if (signal.aborted) return;
    if (!cleared) {
      // Its tree must be dead before its successor starts (field failures 39, 40, 41).
      noteStart(row, run);
      if (!failed(row, 'what is left of it could not be stopped', 'wait')) pendings.delete(row.id);
      return;
    }
    held.release(row.id);
    await pause(own.dueAtMs - clock.monotonicMs(), signal);
    own.waitsForSlot = true;
    const slot = await slots.reserve(signal).catch(() => undefined);
    own.waitsForSlot = false;
    if (slot === undefined) return;
    if (signal.aborted) return slot.release();
    if (!mayStart(row)) {
      slot.release();
      pendings.delete(row.id);
      return forget(row.id);
    }
    held.put(row.id, slot);
    await busy.track(row.id, () => startAgain(row, request, noteStart(row, run), own));
  };

  const decide = (row: ProcessRecord, exit: ProcessExit, first: First): boolean => {
    if (givenUp.has(row.id) || !mayStart(row)) return false;
    const run = runs.get(row.id) ?? recall(row);
    const nowMs = clock.monotonicMs();
    const { restart: policy } = row;
    const { restarts } = run;
    const decision = decideRestart({ policy, exit, restarts, nowMs, ranMs: nowMs - run.startedAtMs, limits });
    if (decision.type === 'leave') return false;
    const story = { row: row.id, name: row.name, session: row.sessionId };
    const { request } = run;
    if (request === undefined) {
      log.warn({ ...story, keys: row.envKeys }, 'not started again: the values of its variables were not kept');
      return false;
    }
    const { delayMs } = decision;
    const storm = decision.type === 'pause';
    const at = new Date(clock.wallMs() + delayMs).toISOString();
    const own = { at, storm, waitsForSlot: false, dueAtMs: nowMs + delayMs, controller: new AbortController() };
    pendings.get(row.id)?.controller.abort();
    pendings.set(row.id, own);
    if (storm)
      log.warn({ ...story, restarts: restarts.count, againAt: at }, 'a process was restarted too often: it pauses');
    else log.info({ ...story, restarts: restarts.count, againInMs: delayMs }, 'a process will be started again');
    carryOut(row, { ...run, restarts: decision.restarts }, request, own, first).catch((error: unknown) => {
      log.error({ ...story, error: messageOf(error) }, 'a restart failed');
    });
    return true;
  };

  const giveUp = (rowId: string): void => {
    givenUp.add(rowId);
    pendings.get(rowId)?.controller.abort();
    pendings.delete(rowId);
  };

  return {
    started: (rowId, request) => {
      // Values of variables are kept for nobody who has no use for them.
      if (request.restart === 'temporary') return;
      runs.set(rowId, { request, restarts: NO_RESTARTS, startedAtMs: clock.monotonicMs() });
    },
    ended: (row) => row.exit !== undefined && decide(row, row.exit, 'clear'),
    pending: (rowId) => pendings.get(rowId),
    giveUp: (rowId) => {
      if (registry.get(rowId) !== undefined) giveUp(rowId);
    },
    close: () => {
      closed = true;
      for (const rowId of [...pendings.keys()]) giveUp(rowId);
    },
    forget: (rowId) => {
      giveUp(rowId);
      givenUp.delete(rowId);
      runs.delete(rowId);
    },
  };
};
