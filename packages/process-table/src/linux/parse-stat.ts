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

const ZERO = 48;
const NINE = 57;
const BLANK = 32;
const MINUS = 45;

/**
 * Parses the text of `/proc/PID/stat`. The command stands in parentheses and may itself hold blanks, parentheses and
 * newlines, so the fields are counted from the *last* closing one (proc(5) warns of this). Undefined when it is not such a text.
 *
 * Character by character: a pass over thousands of processes is made of this, and text that is split into 52 strings takes longer to
 * parse than the kernel takes to write it.
 */
export const parseStat = (text: string): Stat | undefined => {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 1 || close < open) return undefined;
  const pid = Number(text.slice(0, open));
  if (!Number.isInteger(pid)) return undefined;
  let [ppid, pgid, sid, flags, threads] = [0, 0, 0, 0, 0];
  // Behind the parenthesis: a blank, the state (field 3), a blank, and then numbers.
  let at = close + 4;
  for (let field = 4; ; field += 1) {
    const start = at;
    // Terminals and foreground groups can be -1.
    if (text.charCodeAt(at) === MINUS) at += 1;
    let value = 0;
    let digit = text.charCodeAt(at);
    const first = at;
    for (; digit >= ZERO && digit <= NINE; digit = text.charCodeAt(at)) {
      value = value * 10 + digit - ZERO;
      at += 1;
    }
    if (at === first || digit !== BLANK) return undefined;
    if (field === 4) ppid = value;
    else if (field === 5) pgid = value;
    else if (field === 6) sid = value;
    else if (field === 9) flags = value;
    else if (field === 20) threads = value;
    else if (field === 22) {
      if (first !== start) return undefined;
      return {
        pid,
        command: text.slice(open + 1, close),
        state: text.charAt(close + 2),
        ppid,
        pgid,
        sid,
        kernelThread: (flags & KERNEL_THREAD) !== 0,
        threads,
        startTicks: text.slice(start, at),
      };
    }
    at += 1;
  }
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
