/** Work under way, by key, so that somebody can wait until there is none. */
export interface InFlight {
  track<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Whether anything of the key is under way. */
  has(key: string): boolean;
  /** Resolves when nothing of the key (of any, without one) is under way, whatever became of it. */
  settled(key?: string): Promise<void>;
}

export const createInFlight = (): InFlight => {
  const running = new Map<Promise<unknown>, string>();
  return {
    track: async (key, work) => {
      const promise = work();
      running.set(promise, key);
      try {
        return await promise;
      } finally {
        running.delete(promise);
      }
    },
    has: (key) => [...running.values()].includes(key),
    settled: async (key) => {
      for (;;) {
        const pending = [...running].filter(([, of]) => key === undefined || of === key).map(([promise]) => promise);
        if (pending.length === 0) return;
        await Promise.allSettled(pending);
      }
    },
  };
};
