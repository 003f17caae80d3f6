import { readFileSync } from 'node:fs';

export interface ProcessGlance {
  /** Field 22 of `/proc/PID/stat`, clock ticks since boot, as text (proc(5)). */
  readonly startToken: string;
  /** It has ended; only its parent has not asked yet. */
  readonly zombie: boolean;
}

/**
 * Reads `/proc/PID/stat`. Undefined where there is no such file: no such process, or not Linux. The command stands
 * in parentheses and may hold any of them itself, so fields are counted from the last one.
 */
export const readStat = (pid: number): ProcessGlance | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const startToken = rest[18];
    return startToken === undefined ? undefined : { startToken, zombie: state === 'Z' || state === 'X' };
  } catch {
    return undefined;
  }
};
