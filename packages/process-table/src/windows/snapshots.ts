/** Answers to a slow question, shared where that is harmless. */
export interface Snapshots<T> {
  /** One at most this old, or the one under way. */
  recent(): Promise<T>;
  /** One whose question is put after this call. Callers that wait for the same question share it. */
  fresh(): Promise<T>;
  /** What was asked before this call is no longer recent: something has changed. */
  forget(): void;
}

/**
 * One question at a time: starting PowerShell costs a good part of a second of processor time.
 *
 * @param maxAgeMs how long an answer stays recent, counted from when it was asked for.
 */
export const createSnapshots = <T>(ask: () => Promise<T>, maxAgeMs: number, nowMs: () => number): Snapshots<T> => {
  let last: { readonly atMs: number; readonly answer: T } | undefined;
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  let era = 0;

  const begin = (): Promise<T> => {
    const atMs = nowMs();
    const asked = era;
    const current = ask()
      .then((answer) => {
        if (asked === era) last = { atMs, answer };
        return answer;
      })
      .finally(() => {
        running = undefined;
      });
    running = current;
    return current;
  };

  return {
    recent: async () => {
      if (last !== undefined && nowMs() - last.atMs <= maxAgeMs) return last.answer;
      return running ?? begin();
    },
    fresh: () => {
      if (running === undefined) return begin();
      const start = (): Promise<T> => {
        next = undefined;
        return begin();
      };
      next ??= running.then(start, start);
      return next;
    },
    forget: () => {
      era += 1;
      last = undefined;
    },
  };
};
