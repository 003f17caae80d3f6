import { COOKIE_VARIABLE } from '../cookie.js';
import { deliver, exists, type Kill, ownPids, systemKill } from '../deliver.js';
import { descend } from '../descend.js';
import { isProcessTableError } from '../errors.js';
import { compareCookie, isTargetPid, type ProcessIdentity } from '../identity.js';
import { judgeHolder, judgePlace, unsent } from '../judge.js';
import type { ListOptions, Lookup, ProcessRow, ProcessTable, SignalResult, Usage } from '../process-table.js';
import { parseCpuMs, parseStat, type Stat } from './parse-stat.js';
import { type ProcFiles, readProc } from './read-proc.js';

export interface LinuxTableOptions {
  readonly files?: ProcFiles;
  readonly kill?: Kill;
  /** Pids that are never signalled: this process and its parent, by default. */
  readonly protectedPids?: () => readonly number[];
}

/** How many processes one pass reads before it lets the event loop turn. */
const PASS_SLICE = 128;

/** How often one pass looks for newcomers: what forks faster than that is for the cascade to freeze. */
const MOST_ROUNDS = 4;

const stateOf = ({ state, threads }: Stat): ProcessRow['state'] => {
  if (state === 'X' || state === 'x') return 'zombie';
  // A main thread that has ended shows as Z while its other threads run on: that process lives (proc(5), num_threads).
  if (state === 'Z') return threads > 1 ? 'running' : 'zombie';
  return state === 'T' || state === 't' ? 'stopped' : 'running';
};

const COOKIE_PREFIX = Buffer.from(`${COOKIE_VARIABLE}=`);

/** The value of the cookie variable in the bytes of `/proc/PID/environ`. */
const cookieIn = (environ: Buffer | undefined): string | undefined => {
  if (environ === undefined) return undefined;
  for (let at = environ.indexOf(COOKIE_PREFIX); at !== -1; at = environ.indexOf(COOKIE_PREFIX, at + 1)) {
    if (at !== 0 && environ[at - 1] !== 0) continue;
    const end = environ.indexOf(0, at);
    return environ.toString('utf8', at + COOKIE_PREFIX.length, end === -1 ? environ.length : end);
  }
  return undefined;
};

/** The wanted ones among what a process holds open; undefined when there are none. */
const held = (
  wanted: ReadonlySet<string>,
  open: ReadonlyMap<number, string> | undefined,
): readonly string[] | undefined => {
  const found = [...new Set(open?.values())].filter((target) => wanted.has(target));
  return found.length === 0 ? undefined : found;
};

const marked = (row: ProcessRow, cookie: string | undefined, holds: readonly string[] | undefined): ProcessRow => ({
  ...row,
  ...(cookie === undefined ? {} : { cookie }),
  ...(holds === undefined ? {} : { holds }),
});

/** The adapter for Linux: `/proc` alone, no other program. */
export const createLinuxTable = (options: LinuxTableOptions = {}): ProcessTable => {
  const files = options.files ?? readProc();
  const kill = options.kill ?? systemKill;
  const protectedPids = options.protectedPids ?? ownPids;
  const place = {
    bootId: files.bootId(),
    machineId: files.machineId(),
    // A /proc of another namespace numbers processes differently: what it says of a pid is not about ours.
    pidNs: files.selfPid() === process.pid ? files.pidNamespace() : '',
  };

  const { bootId, machineId, pidNs } = place;
  const toRow = (stat: Stat): ProcessRow => ({
    identity: { pid: stat.pid, startToken: stat.startTicks, bootId, machineId, pidNs },
    ppid: stat.ppid,
    pgid: stat.pgid,
    sid: stat.sid,
    state: stateOf(stat),
    command: stat.command,
  });

  const readRow = (pid: number): ProcessRow | undefined => {
    const stat = parseStat(files.stat(pid) ?? '');
    return stat === undefined ? undefined : toRow(stat);
  };

  /** An answer that could not be read is no answer: neither alive nor dead. */
  const orUnknown = (answer: () => Lookup): Lookup => {
    try {
      return answer();
    } catch (error) {
      if (!isProcessTableError(error)) throw error;
      return { status: 'unknown', reason: error.message };
    }
  };

  const look = (pid: number): Lookup => {
    if (pid !== 1 && !isTargetPid(pid)) return { status: 'dead', reason: 'gone' };
    if (place.pidNs === '') return { status: 'unknown', reason: '/proc belongs to another PID namespace' };
    const row = readRow(pid);
    if (row !== undefined) {
      return row.state === 'zombie'
        ? { status: 'dead', reason: 'zombie', process: row }
        : { status: 'alive', process: row };
    }
    // Mounted with hidepid=2, /proc hides the processes of other users; the kernel still knows their pids.
    return exists(kill, pid)
      ? { status: 'unknown', reason: `/proc/${pid}/stat cannot be read` }
      : { status: 'dead', reason: 'gone' };
  };

  /** Pid and start tick agree; but both may have been handed out twice within that tick. */
  const asCarrier = (identity: ProcessIdentity, found: Lookup & { status: 'alive' }): Lookup => {
    // The first process of a PID namespace gets every orphan for a child.
    const ownChild = found.process.ppid === process.pid && process.pid !== 1;
    const cookie = ownChild ? undefined : cookieIn(files.environ(identity.pid));
    switch (compareCookie(identity, { cookie, ownChild })) {
      case 'same':
        return found;
      case 'different':
        return { status: 'dead', reason: 'reused' };
      case 'unknown':
        return { status: 'unknown', reason: 'its cookie cannot be read, or was dropped' };
    }
  };

  const lookupNow = (identity: ProcessIdentity): Lookup => {
    const elsewhere = judgePlace(identity, place);
    if (elsewhere !== undefined) return elsewhere;
    const found = judgeHolder(
      identity,
      orUnknown(() => look(identity.pid)),
    );
    return found.status === 'alive' && identity.cookie !== undefined
      ? orUnknown(() => asCarrier(identity, found))
      : found;
  };

  /** Reads processes, the newest first: they are the ones that may be gone in a moment. */
  const readRows = async (pids: Int32Array, options: ListOptions, rows: ProcessRow[]): Promise<void> => {
    const { cookies = false, descriptors, since, onRow } = options;
    const oldest = since === undefined ? 0 : Number(since.startToken);
    for (let at = pids.length - 1; at >= 0; at -= 1) {
      if (at % PASS_SLICE === 0) await new Promise(setImmediate);
      const pid = pids[at] ?? 0;
      const stat = parseStat(files.stat(pid) ?? '');
      if (stat === undefined) continue;
      const row = toRow(stat);
      // The kernel's own threads have neither an environment nor descriptors.
      const asked = !stat.kernelThread && Number(stat.startTicks) >= oldest;
      const cookie = asked && cookies ? cookieIn(files.environ(pid)) : undefined;
      // Who carries a cookie has said whose it is.
      const silent = asked && cookie === undefined;
      const holds = silent && descriptors !== undefined ? held(descriptors, files.descriptors(pid)) : undefined;
      const seen = cookie === undefined && holds === undefined ? row : marked(row, cookie, holds);
      rows.push(seen);
      onRow?.(seen);
    }
  };

  const list: ProcessTable['list'] = async (options = {}) => {
    const rows: ProcessRow[] = [];
    let newest = files.newestPid();
    let names = files.pids();
    await readRows(names, options, rows);
    const seen = new Set<number>();
    // Whoever forked and ended while the others were read has left a child that the first reading of names did not show. Where nobody
    // was started meanwhile the names need not be read again.
    for (let round = 1; round < MOST_ROUNDS; round += 1) {
      const before = newest;
      newest = files.newestPid();
      if (newest !== undefined && newest === before) break;
      for (const pid of names) seen.add(pid);
      names = files.pids().filter((pid) => !seen.has(pid));
      if (names.length === 0) break;
      await readRows(names, options, rows);
    }
    return rows.sort((a, b) => a.identity.pid - b.identity.pid);
  };

  const living = async (wanted: (row: ProcessRow) => boolean, cookies = false): Promise<ProcessRow[]> =>
    (await list({ cookies })).filter((row) => row.state !== 'zombie' && wanted(row));

  const send = (identity: ProcessIdentity, signal: NodeJS.Signals): SignalResult => {
    if (!isTargetPid(identity.pid) || protectedPids().includes(identity.pid)) {
      return { outcome: 'refused', reason: `pid ${identity.pid} is never a target` };
    }
    // Between this look and the kill below the process could end and its pid be handed out again. Without a pidfd that
    // window of microseconds cannot be closed; it is kept free of anything that awaits.
    return unsent(lookupNow(identity)) ?? deliver(kill, identity.pid, signal);
  };

  const sendToGroup = (leader: ProcessIdentity, signal: NodeJS.Signals): SignalResult => {
    const refusal = `group ${leader.pid} is never a target`;
    if (!isTargetPid(leader.pid)) return { outcome: 'refused', reason: refusal };
    let own: readonly (number | undefined)[] = [];
    const found = orUnknown(() => {
      own = protectedPids().map((pid) => readRow(pid)?.pgid);
      return lookupNow(leader);
    });
    // A zombie too keeps the number of the group it leads.
    if (!('process' in found)) return unsent(found) ?? { outcome: 'gone' };
    if (found.process.pgid !== leader.pid)
      return { outcome: 'refused', reason: `process ${leader.pid} leads no group` };
    return own.includes(leader.pid) ? { outcome: 'refused', reason: refusal } : deliver(kill, -leader.pid, signal);
  };

  const usageOf = (identities: readonly ProcessIdentity[]): Usage => {
    const total = { processes: 0, cpuMs: 0, memoryBytes: 0 };
    for (const identity of identities) {
      if (lookupNow(identity).status !== 'alive') continue;
      total.processes += 1;
      total.cpuMs += parseCpuMs(files.stat(identity.pid) ?? '');
      total.memoryBytes += files.residentBytes(identity.pid);
    }
    return total;
  };

  return {
    identify: async (pid) =>
      orUnknown(() => {
        const found = look(pid);
        // /proc answers for thread ids too, although it does not list them.
        const thread = found.status === 'alive' && files.threadGroupOf(pid) !== pid;
        return thread ? { status: 'dead', reason: 'gone' } : found;
      }),
    lookup: async (identity) => lookupNow(identity),
    list,
    descendants: async (identity) => {
      if (lookupNow(identity).status !== 'alive') return [];
      return descend(await list(), [identity.pid]).filter((row) => row.state !== 'zombie');
    },
    groupMembers: (pgid) => living((row) => row.pgid === pgid),
    findByCookie: (cookie) => living((row) => row.cookie === cookie, true),
    openDescriptors: async (identity) =>
      lookupNow(identity).status === 'alive' ? files.descriptors(identity.pid) : undefined,
    commandLine: async (identity) => (lookupNow(identity).status === 'alive' ? files.commandLine(identity.pid) : []),
    signal: async (identity, signal) => send(identity, signal),
    signalGroup: async (leader, signal) => sendToGroup(leader, signal),
    usage: async (identities) => usageOf(identities),
  };
};
