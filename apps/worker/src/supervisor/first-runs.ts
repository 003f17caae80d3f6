import { isEnded, type ProcessRecord, type ProcessRegistry } from '@cm/process-registry';
import { WorkerError } from './errors.js';
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

export const createFirstRuns = (options: FirstRunsOptions): FirstRuns => {
  const { registry, latch, isActive, slots, held, busy, inFlight, stopper, restarter, intend, start } = options;
  const serial = createSerial();
  const waiting = createWaiting();

  const namesakesOf = (sessionId: string, name: string): ProcessRecord[] =>
    registry.getBySession(sessionId).filter((row) => row.name === name);

  /** What has ended and is started again holds its name, though the registry would give it away. */
  const assertNameFree = (sessionId: string, name: string): void => {
    for (const { id } of namesakesOf(sessionId, name)) {
      const { at } = restarter.pending(id) ?? {};
      if (at === undefined) continue;
      throw new WorkerError('DUPLICATE_NAME', `"${name}" has ended, and is started again at ${at} (${id})`);
    }
  };

  const assertMayStart = (sessionId: string): void => {
    latch.assertOpen();
    if (!isActive(sessionId)) throw new WorkerError('SESSION_ENDED', `session "${sessionId}" has ended`);
  };

  const slotFor = async (sessionId: string, { waitForSlot }: SpawnOptions): Promise<Slot> => {
    if (waitForSlot !== undefined) return waiting.during(sessionId, waitForSlot, (signal) => slots.reserve(signal));
    const slot = slots.tryReserve();
    if (slot !== undefined) return slot;
    throw new WorkerError('NO_SLOT', `all ${slots.state().limit} slots are taken: try again when a process has ended`);
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

  const spawnFirst = (sessionId: string, request: SpawnRequest, slot: Slot): Promise<ProcessRecord> => {
    assertNameFree(sessionId, request.name);
    const row = intend(sessionId, request);
    held.put(row.id, slot);
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

  const inTurn = async (
    sessionId: string,
    request: SpawnRequest,
    spawnOptions: SpawnOptions,
  ): Promise<ProcessRecord> => {
    const { name, onDuplicate } = request;
    const { waitForSlot } = spawnOptions;
    assertMayStart(sessionId);
    if (onDuplicate === 'error') assertNameFree(sessionId, name);
    const leaving = leavingOf(sessionId, request);
    // Said before there is a word about slots: no wait would help.
    const isInTheWay = (row: ProcessRecord): boolean => !isEnded(row.status) && !leaving.includes(row);
    if (namesakesOf(sessionId, name).some(isInTheWay)) throw duplicateName(name);
    const inherited = inherit(leaving);
    // A restart that waits for a slot as well would come first, and then hold it.
    if (inherited === undefined && waitForSlot !== undefined) {
      await inFlight.track(sessionId, () => makeRoom(sessionId, request));
    }
    const slot = inherited?.slot ?? (await slotFor(sessionId, spawnOptions));
    try {
      waitForSlot?.throwIfAborted();
      assertMayStart(sessionId);
      return await inFlight.track(sessionId, async () => {
        await makeRoom(sessionId, request);
        return spawnFirst(sessionId, request, slot);
      });
    } catch (error) {
      // A predecessor that would not go still uses what it had.
      if (inherited !== undefined && registry.get(inherited.from) !== undefined) held.put(inherited.from, slot);
      else slot.release();
      throw error;
    }
  };

  return {
    // A session id and a name are any text: only an encoding keeps pairs of them apart.
    spawn: (sessionId, request, spawnOptions = {}) =>
      serial.run(JSON.stringify([sessionId, request.name]), () => inTurn(sessionId, request, spawnOptions)),
    assertNameFree,
    sendAway: waiting.sendAway,
  };
};
