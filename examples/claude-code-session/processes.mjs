import { readdirSync, readFileSync } from 'node:fs';

/** Long paths end where they say the most. */
const shorten = (args) =>
  args
    .split(' ')
    .map((arg) => arg.replace(/^\S*\/node_modules\/(@?[^/]+(?:\/[^/]+)?)/, '…/$1'))
    .join(' ');

const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/**
 * What `ps` would show of a data directory: the processes that name it in their arguments, work in it, or were started for it. Found in
 * /proc, without asking the worker, so that it can contradict what the worker says.
 */
export const processesOf = (dataDirectory) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({
      pid: Number(name),
      args: read(`/proc/${name}/cmdline`).split('\0').join(' ').trim(),
      environment: read(`/proc/${name}/environ`),
      zombie: /\) Z /.test(read(`/proc/${name}/stat`)),
    }))
    .filter(
      ({ args, environment, zombie }) =>
        !zombie &&
        (args.includes(dataDirectory) ||
          environment
            .split('\0')
            .some((entry) => entry.startsWith('CM_SCOPE=') && entry.endsWith(`@${dataDirectory}`))),
    )
    .map(({ pid, args }) => `${pid} ${shorten(args)}`);

/** Waits until a check holds, or fails at the deadline with what was waited for. */
export const until = async (what, check, deadlineMs = 10_000) => {
  const endsAt = performance.now() + deadlineMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    const result = await check();
    if (result) return result;
    if (performance.now() > endsAt) throw new Error(`not within ${deadlineMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
};
