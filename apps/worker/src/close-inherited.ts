import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** O_CLOEXEC in the octal flags of `/proc/PID/fdinfo/N` (proc(5)). Node sets it on everything that it opens. */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * Closes what this process inherited beyond its standard streams, where the system can tell (Linux). A daemon that keeps a pipe of whoever
 * started it, and hands it on to its children, makes them wait for its end for ever (fault 36).
 */
export const closeInherited = (directory = '/proc/self/fdinfo'): void => {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return;
  }
  for (const descriptor of names.map(Number).filter((number) => number > 2)) {
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`${directory}/${descriptor}`, 'utf8'))?.[1];
      if (flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0) closeSync(descriptor);
    } catch {
      // The one with which the directory was read.
    }
  }
};
