/**
 * Waits until a check returns something other than `undefined` or `false`, and returns it. Rejects at the deadline, naming
 * what was waited for. For facts of the operating system that announce themselves by no event.
 */
export const eventually = async <T>(
  what: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 10_000,
): Promise<T> => {
  const end = performance.now() + deadlineMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    const result = await check();
    if (result !== undefined && result !== false) return result;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
};
