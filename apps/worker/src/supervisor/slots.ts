/** The right to run one process. */
export interface Slot {
  /** Gives it to whoever has waited longest. Once: again it does nothing (fault 32). */
  release(): void;
}

/** Reservations, in memory alone: what is on record says who was started, not who may be (field failure 50). */
export interface Slots {
  /** A slot, reserved when this returns (field failure 50b), or undefined where none is free. Overtakes nobody who waits. */
  tryReserve(): Slot | undefined;
  /**
   * A slot, as soon as there is one; those who wait get them in the order in which they came. No time limit ends the wait (field failure
   * 51): it rejects with the signal's reason when that aborts. One that was granted just before is the caller's to release.
   */
  reserve(signal: AbortSignal): Promise<Slot>;
  state(): { readonly limit: number; readonly reserved: number; readonly waiting: number };
}

/** @param limit how many may run at once; 0: no limit. */
export const createSlots = (limit: number): Slots => {
  /** In the order in which they came. */
  const waiters = new Set<(slot: Slot) => void>();
  let reserved = 0;

  const take = (): Slot => {
    let held = true;
    reserved += 1;
    return {
      release: () => {
        if (!held) return;
        held = false;
        reserved -= 1;
        const [first] = waiters;
        // In the same tick: while somebody waits, none is ever free for whoever comes now.
        first?.(take());
      },
    };
  };
  const tryReserve: Slots['tryReserve'] = () => (limit === 0 || reserved < limit ? take() : undefined);

  return {
    tryReserve,
    reserve: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const free = tryReserve();
        if (free !== undefined) return resolve(free);
        const grant = (slot: Slot): void => {
          waiters.delete(grant);
          signal.removeEventListener('abort', leave);
          resolve(slot);
        };
        const leave = (): void => {
          waiters.delete(grant);
          reject(signal.reason);
        };
        waiters.add(grant);
        signal.addEventListener('abort', leave, { once: true });
      }),
    state: () => ({ limit, reserved, waiting: waiters.size }),
  };
};
