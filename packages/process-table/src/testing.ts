import type { Clock } from './clock.js';
import { descend } from './descend.js';
import { compareCookie, compareIdentity, isTargetPid, type ProcessIdentity } from './identity.js';
import type { Lookup, ProcessRow, ProcessTable } from './process-table.js';

/** A clock that stands still until something sleeps on it, or a test advances it. */
export interface FakeClock extends Clock {
  /** Moves time on, running what was scheduled on the way. */
  advance(ms: number): void;
  /** Runs a function when the clock reaches that many milliseconds from now. */
  after(ms: number, run: () => void): void;
}

/** `sleep` does not wait: it moves the clock and lets the event loop turn once. */
export const createFakeClock = (): FakeClock => {
  let now = 0;
  let scheduled: { at: number; run: () => void }[] = [];
  const advance = (ms: number): void => {
    const target = now + ms;
    for (;;) {
      const next = scheduled.filter(({ at }) => at <= target).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      scheduled = scheduled.filter((entry) => entry !== next);
      now = Math.max(now, next.at);
      next.run();
    }
    now = target;
  };
  return {
    monotonicMs: () => now,
    wallMs: () => Date.UTC(2026, 0, 1) + now,
    sleep: async (ms, signal) => {
      if (signal?.aborted !== true) advance(ms);
      await new Promise(setImmediate);
    },
    advance,
    after: (ms, run) => void scheduled.push({ at: now + ms, run }),
  };
};

export interface FakeStart {
  readonly pid?: number;
  readonly ppid?: number;
  /** Default: the group of its own pid. */
  readonly pgid?: number;
  readonly sid?: number;
  readonly command?: string;
  readonly cookie?: string;
  /** What it holds open, in the words of `openDescriptors`. */
  readonly holds?: readonly string[];
  /** Default: a token of its own. */
  readonly startToken?: string;
  readonly usage?: { readonly cpuMs: number; readonly memoryBytes: number };
  /** Signals it survives. SIGKILL cannot be ignored, except by `unkillable`. */
  readonly ignores?: readonly NodeJS.Signals[];
  /** As a process in uninterruptible sleep: not even SIGKILL ends it. */
  readonly unkillable?: boolean;
}

export interface FakeProcessTable extends ProcessTable {
  /** Starts a process and returns its identity. Without a pid it takes the next free one. */
  start(options?: FakeStart): ProcessIdentity;
  /** Ends a process. As a zombie it stays listed but is not alive. */
  exit(pid: number, as?: 'gone' | 'zombie'): void;
  /** Ends the holder of a pid, if any, and gives the pid to an innocent newcomer, whose identity it returns. With `startToken` at its tick. */
  reusePid(pid: number, options?: Omit<FakeStart, 'pid'>): ProcessIdentity;
  /** Makes a process unreadable: every question about it is answered `unknown`. */
  hide(pid: number): void;
  /** Every signal that reached a process, in order. */
  readonly signals: readonly { readonly pid: number; readonly signal: NodeJS.Signals }[];
}

interface FakeProcess {
  row: ProcessRow;
  readonly cookie: string | undefined;
  readonly holds: readonly string[];
  readonly usage: { readonly cpuMs: number; readonly memoryBytes: number };
  /** What was sent while it was stopped; it acts on them once continued. */
  pending: NodeJS.Signals[];
  readonly ignores: readonly NodeJS.Signals[];
  readonly unkillable: boolean;
  hidden: boolean;
}

const ENDING: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

/** An in-memory process table that keeps the rules of the real ones. */
export const createFakeProcessTable = (
  place: Omit<ProcessIdentity, 'pid' | 'startToken'> = { bootId: 'boot', machineId: 'machine', pidNs: 'pid:[1]' },
): FakeProcessTable => {
  const processes = new Map<number, FakeProcess>();
  const signals: { pid: number; signal: NodeJS.Signals }[] = [];
  let nextPid = 1000;
  let ticks = 0;

  const look = (pid: number): Lookup => {
    const found = processes.get(pid);
    if (found === undefined) return { status: 'dead', reason: 'gone' };
    if (found.hidden) return { status: 'unknown', reason: 'hidden' };
    return found.row.state === 'zombie'
      ? { status: 'dead', reason: 'zombie', process: found.row }
      : { status: 'alive', process: found.row };
  };
  const lookup = (identity: ProcessIdentity): Lookup => {
    const elsewhere = compareIdentity(identity, { ...identity, ...place });
    if (elsewhere === 'different') return { status: 'dead', reason: 'earlier-boot' };
    if (elsewhere === 'unknown') return { status: 'unknown', reason: 'recorded elsewhere' };
    const found = look(identity.pid);
    if (!('process' in found)) return found;
    if (compareIdentity(identity, found.process.identity) !== 'same') return { status: 'dead', reason: 'reused' };
    if (found.status === 'dead') return found;
    const cookie = processes.get(identity.pid)?.cookie;
    const match = compareCookie(identity, { cookie, ownChild: found.process.ppid === process.pid });
    if (match === 'unknown') return { status: 'unknown', reason: 'no cookie' };
    return match === 'same' ? found : { status: 'dead', reason: 'reused' };
  };
  const rows = (): ProcessRow[] =>
    [...processes.values()]
      .filter(({ hidden }) => !hidden)
      .map(({ row }) => row)
      .sort((a, b) => a.identity.pid - b.identity.pid);
  const living = (wanted: (row: ProcessRow) => boolean): ProcessRow[] =>
    rows().filter((row) => row.state !== 'zombie' && wanted(row));
  const withCookie = (row: ProcessRow): ProcessRow => {
    const cookie = processes.get(row.identity.pid)?.cookie;
    return cookie === undefined ? row : { ...row, cookie };
  };
  const withHolds = (row: ProcessRow, wanted: ReadonlySet<string>): ProcessRow => {
    const holds = processes.get(row.identity.pid)?.holds.filter((target) => wanted.has(target)) ?? [];
    return holds.length === 0 ? row : { ...row, holds };
  };
  const setState = (found: FakeProcess, state: ProcessRow['state']): void => {
    found.row = { ...found.row, state };
  };

  const deliver = (target: FakeProcess, signal: NodeJS.Signals): void => {
    if (signal === 'SIGSTOP') setState(target, 'stopped');
    else if (signal === 'SIGKILL') exit(target.row.identity.pid);
    else if (signal === 'SIGCONT') {
      setState(target, 'running');
      const pending = target.pending;
      target.pending = [];
      for (const waiting of pending) deliver(target, waiting);
    } else if (target.row.state === 'stopped') target.pending.push(signal);
    else if (ENDING.includes(signal) && !target.ignores.includes(signal)) exit(target.row.identity.pid);
  };

  const start: FakeProcessTable['start'] = (options = {}) => {
    const pid = options.pid ?? nextPid++;
    ticks += 1;
    const identity = { pid, startToken: options.startToken ?? String(ticks), ...place };
    const pgid = options.pgid ?? pid;
    processes.set(pid, {
      row: {
        identity,
        ppid: options.ppid ?? 1,
        pgid,
        sid: options.sid ?? pgid,
        state: 'running',
        command: options.command ?? 'fake',
      },
      cookie: options.cookie,
      holds: options.holds ?? [],
      usage: options.usage ?? { cpuMs: 0, memoryBytes: 0 },
      pending: [],
      ignores: options.ignores ?? [],
      unkillable: options.unkillable ?? false,
      hidden: false,
    });
    return identity;
  };
  const exit: FakeProcessTable['exit'] = (pid, as = 'gone') => {
    const found = processes.get(pid);
    if (found === undefined) return;
    if (as === 'zombie') setState(found, 'zombie');
    else processes.delete(pid);
    for (const other of processes.values()) {
      if (other.row.ppid === pid) other.row = { ...other.row, ppid: 1 };
    }
  };

  return {
    signals,
    start,
    exit,
    reusePid: (pid, options = {}) => {
      exit(pid);
      return start({ command: 'innocent', ...options, pid });
    },
    hide: (pid) => {
      const found = processes.get(pid);
      if (found !== undefined) found.hidden = true;
    },
    identify: async (pid) => look(pid),
    lookup: async (identity) => lookup(identity),
    list: async ({ cookies = false, descriptors, since, onRow } = {}) =>
      rows().map((row) => {
        const asked = since === undefined || Number(row.identity.startToken) >= Number(since.startToken);
        const marked = asked && cookies ? withCookie(row) : row;
        const silent = asked && marked.cookie === undefined;
        const seen = silent && descriptors !== undefined ? withHolds(marked, descriptors) : marked;
        onRow?.(seen);
        return seen;
      }),
    descendants: async (identity) =>
      lookup(identity).status === 'alive'
        ? descend(rows(), [identity.pid]).filter((row) => row.state !== 'zombie')
        : [],
    groupMembers: async (pgid) => living((row) => row.pgid === pgid),
    findByCookie: async (cookie) =>
      living(() => true)
        .map(withCookie)
        .filter((row) => row.cookie === cookie),
    openDescriptors: async (identity) =>
      lookup(identity).status === 'alive' ? new Map(processes.get(identity.pid)?.holds.entries()) : undefined,
    commandLine: async (identity) => {
      const found = lookup(identity);
      return found.status === 'alive' ? [found.process.command] : [];
    },
    signal: async (identity, signal) => {
      if (!isTargetPid(identity.pid)) return { outcome: 'refused', reason: 'never a target' };
      const found = lookup(identity);
      if (found.status === 'dead') return { outcome: found.reason === 'reused' ? 'foreign' : 'gone' };
      if (found.status === 'unknown') return { outcome: 'unknown', reason: found.reason };
      signals.push({ pid: identity.pid, signal });
      const target = processes.get(identity.pid);
      if (target === undefined || target.unkillable) return { outcome: 'sent' };
      deliver(target, signal);
      return { outcome: 'sent' };
    },
    signalGroup: async (leader, signal) => {
      const found = lookup(leader);
      if (found.status === 'unknown') return { outcome: 'unknown', reason: found.reason };
      if (!('process' in found)) return { outcome: found.reason === 'reused' ? 'foreign' : 'gone' };
      const { pgid } = found.process;
      if (pgid !== leader.pid) return { outcome: 'refused', reason: 'leads no group' };
      for (const target of [...processes.values()].filter(({ row }) => row.pgid === pgid && row.state !== 'zombie')) {
        signals.push({ pid: target.row.identity.pid, signal });
        if (!target.unkillable) deliver(target, signal);
      }
      return { outcome: 'sent' };
    },
    usage: async (identities) => {
      const alive = identities.filter((identity) => lookup(identity).status === 'alive');
      const sum = (of: 'cpuMs' | 'memoryBytes'): number =>
        alive.reduce((total, { pid }) => total + (processes.get(pid)?.usage[of] ?? 0), 0);
      return { processes: alive.length, cpuMs: sum('cpuMs'), memoryBytes: sum('memoryBytes') };
    },
  };
};
