import type { Slot } from './slots.js';

/** Which row holds which slot. */
export interface HeldSlots {
  put(rowId: string, slot: Slot): void;
  /** Takes the slot away from a row, for its successor. Undefined where the row has none. */
  take(rowId: string): Slot | undefined;
  /** Gives back the slot of a row; of one that has none, nothing. */
  release(rowId: string): void;
}

export const createHeldSlots = (): HeldSlots => {
  const slots = new Map<string, Slot>();
  const take: HeldSlots['take'] = (rowId) => {
    const slot = slots.get(rowId);
    slots.delete(rowId);
    return slot;
  };
  return { put: (rowId, slot) => void slots.set(rowId, slot), take, release: (rowId) => take(rowId)?.release() };
};
