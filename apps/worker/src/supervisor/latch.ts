import { WorkerError } from './errors.js';

/** Set at the first byte of shutdown and never cleared: after it nothing starts (R12, R1). */
export interface Latch {
  /** True for the first caller alone; set before anything is awaited. */
  set(): boolean;
  isSet(): boolean;
  /** @throws WorkerError STOPPING once set. */
  assertOpen(): void;
}

export const createLatch = (): Latch => {
  let set = false;
  return {
    set: () => {
      const first = !set;
      set = true;
      return first;
    },
    isSet: () => set,
    assertOpen: () => {
      if (set) throw new WorkerError('STOPPING', 'the worker is stopping: nothing can be started any more');
    },
  };
};
