/** Time as a port: durations are measured on a clock that nobody can set. */
export interface Clock {
  /** Milliseconds on a monotonic clock of arbitrary origin. */
  monotonicMs(): number;
  /** Milliseconds since the epoch, for records that people read. May jump. */
  wallMs(): number;
  /** Resolves after that many milliseconds, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
};
