import { isEnded, type ProcessRecord, type ProcessRegistry } from '@cm/process-registry';
import { isWorkerError, WorkerError } from './errors.js';
import type { HeldSlots } from './held-slots.js';
import type { InFlight } from './in-flight.js';
import type { Latch } from './latch.js';
import { duplicateName } from './record-process.js';
import type { Restarter } from './restarter.js';
import { createSerial } from './serial.js';
import type { Slot, Slots } from './slots.js';
import type { SpawnRequest } from './spawn-request.js';
import type { RowStopper } from './stop-rows.js';
import { createWaiting } from './waiting.js';

export interface SpawnOptions {
  /** Waits for a slot where none is free, until it aborts; without it such a spawn is refused. */
  readonly waitForSlot?: AbortSignal | undefined;
}

/** The first run of a row: a name that is free, or made free, a slot, an intent, a process. Of one name one after another. */
export interface FirstRuns {
  /** @throws WorkerError STOPPING, SESSION_ENDED, DUPLICATE_NAME, NO_SLOT, CANNOT_SPAWN, UNAVAILABLE */
  spawn(sessionId: string, request: SpawnRequest, options?: SpawnOptions): Promise<ProcessRecord>;
  /** @throws WorkerError DUPLICATE_NAME for a name whose process is about to be started again. */
  assertNameFree(sessionId: string, name: string): void;
  /** Sends away whoever waits for a slot in the session; without one, everybody. */
  sendAway(sessionId?: string): void;
}

export interface FirstRunsOptions {
  readonly registry: Pick<ProcessRegistry, 'get' | 'getBySession' | 'unregister'>;
  readonly latch: Latch;
  readonly isActive: (sessionId: string) => boolean;
  readonly slots: Slots;
  readonly held: HeldSlots;
  /** By row: what whoever stops it has to wait for. */
  readonly busy: Pick<InFlight, 'track'>;
  /** By session: what whoever ends it has to wait for. */
  readonly inFlight: Pick<InFlight, 'track'>;
  readonly stopper: Pick<RowStopper, 'stop' | 'isStopping'>;
  readonly restarter: Pick<Restarter, 'started' | 'pending'>;
  /** Puts the intent on record. */
  readonly intend: (sessionId: string, request: SpawnRequest) => ProcessRecord;
  /** Spawn and record. Whatever it throws, nothing runs. */
  readonly start: (row: ProcessRecord, request: SpawnRequest) => Promise<ProcessRecord>;
}

interface Turn {
  /** Whoever takes it waits for a slot afterwards, where none is free. */
  readonly waits: boolean;
  /** The slot that was waited for. */
  readonly given?: Slot;
}

export const createFirstRuns = (options: FirstRunsOptions): FirstRuns => {
  const { registry, latch, isActive, slots, held, busy, inFlight, stopper, restarter, intend, start } = options;
  const serial = createSerial();
  const waiting = createWaiting();

  const namesakesOf = (sessionId: string, name: string): ProcessRecord[] =>
    registry.getBySession(sessionId).filter((row) => row.name === name);

  /** What has ended and is started again holds its name, though the registry would give it away. */
  const assertNameFree = (sessionId: string, name: string): void => {
    for (const { id } of namesakesOf(sessionId, name)) {
      const pending = restarter.pending(id);
      if (pending === undefined) continue;
      const when = pending.waitsForSlot ? 'as soon as there is a slot' : `at ${pending.at}`;
      throw new WorkerError('DUPLICATE_NAME', `"${name}" has ended, and is started again ${when} (${id})`);
    }
  };

  const assertMayStart = (sessionId: string): void => {
    latch.assertOpen();
    if (!isActive(sessionId)) throw new WorkerError('SESSION_ENDED', `session "${sessionId}" has ended`);
  };

  /** The slot of a predecessor goes to its successor: where the limit is 1, nobody could be replaced otherwise. */
  const inherit = (leaving: readonly ProcessRecord[]): { readonly from: string; readonly slot: Slot } | undefined => {
    for (const { id } of leaving) {
      const slot = held.take(id);
      if (slot !== undefined) return { from: id, slot };
    }
    return undefined;
  };

  /** Namesakes that are being stopped anyway; others only where that was asked for. */
  const leavingOf = (sessionId: string, { name, onDuplicate }: SpawnRequest): ProcessRecord[] =>
    namesakesOf(sessionId, name).filter(({ id }) => onDuplicate === 'replace' || stopper.isStopping(id));

  const makeRoom = async (sessionId: string, request: SpawnRequest): Promise<void> => {
    const leaving = leavingOf(sessionId, request);
    if (leaving.length === 0) return;
    const report = await stopper.stop(leaving);
    if (report.ok) return latch.assertOpen();
    throw new WorkerError('DUPLICATE_NAME', `"${request.name}" could not be stopped`, { details: report });
  };

  const spawnFirst = (
    sessionId: string,
    request: SpawnRequest,
    onRecord: (row: ProcessRecord) => void,
  ): Promise<ProcessRecord> => {
    assertNameFree(sessionId, request.name);
    const row = intend(sessionId, request);
    onRecord(row);
    restarter.started(row.id, request);
    return busy.track(row.id, async () => {
      try {
        return await start(row, request);
      } catch (error) {
        if (registry.get(row.id)?.status === 'intended') registry.unregister(row.id);
        throw error;
      }
    });
  };

  const inTurn = async (sessionId: string, request: SpawnRequest, { waits, given }: Turn): Promise<ProcessRecord> => {
    const { name, onDuplicate } = request;
    let inherited: ReturnType<typeof inherit>;
    let slot = given;
    let isHeld = false;
    try {
      assertMayStart(sessionId);
      if (onDuplicate === 'error') assertNameFree(sessionId, name);
      const leaving = leavingOf(sessionId, request);
      // Said before there is a word about slots: no wait would help.
      const isInTheWay = (row: ProcessRecord): boolean => !isEnded(row.status) && !leaving.includes(row);
      if (namesakesOf(sessionId, name).some(isInTheWay)) throw duplicateName(name);
      if (slot === undefined) inherited = inherit(leaving);
      slot ??= inherited?.slot ?? slots.tryReserve();
      const own = slot;
      if (own === undefined) {
        // A restart that waits for a slot as well would come first, and then hold it.
        if (waits) await inFlight.track(sessionId, () => makeRoom(sessionId, request));
        throw new WorkerError(
          'NO_SLOT',
          `all ${slots.state().limit} slots are taken: try again when a process has ended`,
        );
      }
      return await inFlight.track(sessionId, async () => {
        await makeRoom(sessionId, request);
        assertMayStart(sessionId);
        return await spawnFirst(sessionId, request, (row) => {
          held.put(row.id, own);
          isHeld = true;
        });
      });
    } catch (error) {
      // With a row that holds it, it goes when that goes. A predecessor that would not go still uses what it had.
      if (isHeld) throw error;
      if (inherited !== undefined && registry.get(inherited.from) !== undefined) {
        held.put(inherited.from, inherited.slot);
      } else slot?.release();
      throw error;
    }
  };

  /** Waits for a slot, and for nobody who waits for one: turns are for those who can go on. */
  const waitFor = async (sessionId: string, signal: AbortSignal): Promise<Slot> => {
    assertMayStart(sessionId);
    const slot = await waiting.during(sessionId, signal, (either) => slots.reserve(either));
    if (!signal.aborted) return slot;
    slot.release();
    throw signal.reason;
  };

  const isNoSlot = (error: unknown): boolean => isWorkerError(error) && error.code === 'NO_SLOT';

  return {
    spawn: async (sessionId, request, { waitForSlot } = {}) => {
      // A session id and a name are any text: only an encoding keeps pairs of them apart.
      const key = JSON.stringify([sessionId, request.name]);
      const take = (turn: Turn): Promise<ProcessRecord> => serial.run(key, () => inTurn(sessionId, request, turn));
      if (waitForSlot === undefined) return take({ waits: false });
      try {
        waitForSlot.throwIfAborted();
        return await take({ waits: true });
      } catch (error) {
        if (!isNoSlot(error)) throw error;
      }
      return take({ waits: true, given: await waitFor(sessionId, waitForSlot) });
    },
    assertNameFree,
    sendAway: waiting.sendAway,
  };
};
