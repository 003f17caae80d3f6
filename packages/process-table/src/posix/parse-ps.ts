import type { ProcessRow } from '../process-table.js';
import { parseDuration } from './parse-duration.js';
import type { PsColumn } from './ps-dialect.js';

/** One process as ps describes it. */
export interface PsProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly state: ProcessRow['state'];
  /** Empty where ps does not say when it started. */
  readonly startToken: string;
  readonly memoryBytes: number;
  readonly cpuMs: number;
  /** `comm`, or `args` where those were asked for. */
  readonly command: string;
}

const LSTART = '\\w{3} +\\w{3} +\\d+ \\d\\d:\\d\\d:\\d\\d +\\d{4}|-';
const NUMERIC: readonly PsColumn[] = ['pid', 'ppid', 'pgid', 'sid'];

const pattern = (column: PsColumn): string => {
  if (column === 'lstart') return `(${LSTART})`;
  return NUMERIC.includes(column) ? '(-?\\d+)' : '(\\S+)';
};

/** Columns are padded on either side; the last, which may begin with a blank of its own, follows exactly one. */
const lineOf = (columns: readonly PsColumn[]): RegExp =>
  new RegExp(`^ *${columns.slice(0, -1).map(pattern).join(' +')}(?: (.*))?$`, 's');

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Seconds since the epoch of `Thu Nov 26 08:23:35 2026`, taken as UTC; empty for anything else. */
const parseLstart = (text: string): string => {
  const [, month = '', day, time = '', year] = text.split(/ +/);
  const [hours, minutes, seconds] = time.split(':');
  const index = MONTHS.indexOf(month);
  const ms = Date.UTC(Number(year), index, Number(day), Number(hours), Number(minutes), Number(seconds));
  return index === -1 || Number.isNaN(ms) ? '' : String(ms / 1000);
};

/** `~` and the seconds from boot to start, with one decimal. */
const fromElapsed = (elapsed: string, uptimeS: number | undefined): string => {
  const seconds = parseDuration(elapsed);
  return seconds === undefined || uptimeS === undefined ? '' : `~${(uptimeS - seconds).toFixed(1)}`;
};

const stateOf = (letters: string, command: string): ProcessRow['state'] => {
  if (/^[ZX]/.test(letters) || command === '<defunct>') return 'zombie';
  return /^[Tt]/.test(letters) ? 'stopped' : 'running';
};

/** BusyBox shortens: `12m`. */
const parseKilobytes = (text: string): number => {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([mg]?)$/.exec(text) ?? [];
  return amount === undefined ? 0 : Number(amount) * 1024 * ({ m: 1024, g: 1024 * 1024 }[unit] ?? 1);
};

/**
 * Parses the output of `ps` with these columns (`comm` or `args` last) and no headings, written under `LC_ALL=C` and `TZ=UTC0`. A line that does not begin as
 * a process does belongs to the command before it, which then held a newline.
 *
 * @param uptimeS seconds since boot at the moment ps looked, for `etime`; undefined where that is not known well enough.
 */
export const parsePs = (text: string, columns: readonly PsColumn[], uptimeS?: number): PsProcess[] => {
  const line = lineOf(columns);
  const found: PsProcess[] = [];
  for (const current of text.split('\n')) {
    const values = line.exec(current)?.slice(1);
    const last = found.at(-1);
    if (values === undefined) {
      if (last !== undefined && current !== '')
        found[found.length - 1] = { ...last, command: `${last.command}\n${current}` };
      continue;
    }
    const value = (column: PsColumn): string => values[columns.indexOf(column)] ?? '';
    const [pid, pgid] = [Number(value('pid')), Number(value('pgid'))];
    const letters = value('stat') || value('s');
    const command = value('comm') || value('args');
    found.push({
      pid,
      ppid: Number(value('ppid')),
      pgid,
      // All of a group are in one session, whose leader leads a group too. Where the session is not said the group stands for it: that
      // never takes in a stranger.
      sid: columns.includes('sid') ? Number(value('sid')) : pgid,
      state: stateOf(letters, command),
      startToken: columns.includes('lstart') ? parseLstart(value('lstart')) : fromElapsed(value('etime'), uptimeS),
      memoryBytes: parseKilobytes(value('rss')),
      cpuMs: Math.round((parseDuration(value('time')) ?? 0) * 1000),
      command,
    });
  }
  return found;
};
