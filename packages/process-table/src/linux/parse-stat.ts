export interface Stat {
  readonly pid: number;
  readonly command: string;
  readonly state: string;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly threads: number;
  readonly startTicks: string;
}

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
  // After field 6 (session), field 20 (num_threads) is the fourteenth and field 22 (starttime) the sixteenth.
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
    threads: Number(threads),
    startTicks,
  };
  return [stat.pid, stat.ppid, stat.pgid, stat.sid, stat.threads].every(Number.isInteger) ? stat : undefined;
};
