export interface Stat {
  readonly pid: number;
  readonly command: string;
  readonly state: string;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly kernelThread: boolean;
  readonly threads: number;
  readonly startTicks: string;
}

/** PF_KTHREAD of the kernel's include/linux/sched.h. (A group of 0 proves nothing: so does one led from outside a PID namespace.) */
const KERNEL_THREAD = 0x00200000;

/**
 * Parses the text of `/proc/PID/stat`. The command stands in parentheses and may itself hold blanks, parentheses and
 * newlines, so the fields are counted from the *last* closing one (proc(5) warns of this). Undefined when it is not such a text.
 */
export const parseStat = (text: string): Stat | undefined => {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 1 || close < open) return undefined;
  const pid = Number(text.slice(0, open));
  const [state, ppid, pgid, sid, ...rest] = text.slice(close + 2).split(' ');
  // After field 6 (session), field 9 (flags) is the third, field 20 (num_threads) is the fourteenth and field 22 (starttime) the sixteenth.
  const flags = Number(rest[2]);
  const threads = rest[13];
  const startTicks = rest[15];
  if (state === undefined || startTicks === undefined || !/^\d+$/.test(startTicks)) return undefined;
  const stat = {
    pid,
    command: text.slice(open + 1, close),
    state,
    ppid: Number(ppid),
    pgid: Number(pgid),
    sid: Number(sid),

    kernelThread: (flags & KERNEL_THREAD) !== 0,
    threads: Number(threads),
    startTicks,
  };
  return [stat.pid, stat.ppid, stat.pgid, stat.sid, stat.threads].every(Number.isInteger) ? stat : undefined;
};

/** `/proc` counts processor time in ticks of 10 ms: USER_HZ is 100 on every architecture Node runs on (proc(5), times(2)). */
const MS_PER_TICK = 10;

/** Processor time, user and system, of the text of `/proc/PID/stat`; 0 when it is not such a text. */
export const parseCpuMs = (text: string): number => {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // utime and stime are fields 14 and 15; this begins with field 3.
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? ticks * MS_PER_TICK : 0;
};
