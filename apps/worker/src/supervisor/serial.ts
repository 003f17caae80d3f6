/** Work of one key runs one after another, in the order in which it came; what failed holds up nothing. */
export interface Serial {
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export const createSerial = (): Serial => {
  const last = new Map<string, Promise<unknown>>();
  return {
    run: async (key, work) => {
      const before = last.get(key);
      const own = (async () => {
        await before?.catch(() => {});
        return work();
      })();
      last.set(key, own);
      try {
        return await own;
      } finally {
        if (last.get(key) === own) last.delete(key);
      }
    },
  };
};
