import { readdirSync, readFileSync } from 'node:fs';

/** The variable that marks everything a test step starts. Inherited by whatever its processes start. */
export const MARK = 'TEST_STEP_MARK';

const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/**
 * The living processes whose environment holds the mark, with what they are. Linux only: elsewhere the answer is empty,
 * as it is for a process that was started with an environment of its own.
 */
export const leftBehind = (mark) => {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    const environ = read(`/proc/${name}/environ`);
    if (environ === undefined || !environ.split('\0').includes(`${MARK}=${mark}`)) return [];
    const command = read(`/proc/${name}/cmdline`)?.split('\0').join(' ').trim();
    return command === undefined || command === '' ? [] : [{ pid: Number(name), command }];
  });
};

/** What is still there after a moment in which the last ones may finish; then ends it, for it is marked as ours. */
export const reapLeftBehind = async (mark, graceMs) => {
  const deadline = performance.now() + graceMs;
  let found = leftBehind(mark);
  while (found.length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    found = leftBehind(mark);
  }
  for (const { pid } of found) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It went by itself.
    }
  }
  return found;
};
