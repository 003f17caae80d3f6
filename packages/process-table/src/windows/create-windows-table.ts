import { deliver, exists, type Kill, ownPids, systemKill } from '../deliver.js';
import { descend } from '../descend.js';
import { compareIdentity, isTargetPid, type ProcessIdentity } from '../identity.js';
import { judgeHolder, judgePlace, lookupOf, orUnknown, type Place, unsent } from '../judge.js';
import type { Lookup, ProcessRow, ProcessTable, SignalResult } from '../process-table.js';
import { type CimProcess, type CimSnapshot, parseCim } from './parse-cim.js';
import { createQueryCim, type QueryCim } from './query-cim.js';
import { createSnapshots } from './snapshots.js';

export interface WindowsTableOptions {
  readonly query?: QueryCim;
  readonly kill?: Kill;
  /** Pids that are never signalled: this process and its parent, by default. */
  readonly protectedPids?: () => readonly number[];
  /** How old a listing may be that is answered again, in milliseconds. Default 250. Lookups and signals always ask anew. */
  readonly cacheMs?: number;
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number;
}

/** Windows only ends processes: libuv turns these two into TerminateProcess and has no other way to act on them. */
const ENDING: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGKILL'];

/** The kernel's own process; 0 is the idle loop. */
const SYSTEM_PID = 4;

/**
 * A pid and a creation time to the microsecond name a process for good, whatever the boot; and the boot time that Windows reports
 * moves when the clock is set. So the boot is not part of an identity here: a process of an earlier one is `gone` or `reused`. The
 * machine is, and without its id nothing is known.
 */
const placeOf = ({ machineGuid }: CimSnapshot): Place => ({
  bootId: machineGuid === '' ? '' : 'any',
  machineId: machineGuid,
  pidNs: 'win32',
});

const toRow = (found: CimProcess, place: Place): ProcessRow => ({
  identity: { pid: found.pid, startToken: found.startToken, ...place },
  ppid: found.ppid,
  // There are no process groups, and a logon session would take in the whole desktop: everybody stands alone.
  pgid: found.pid,
  sid: found.pid,
  state: 'running',
  command: found.name,
});

const rowsOf = (snapshot: CimSnapshot): ProcessRow[] => {
  const place = placeOf(snapshot);
  return snapshot.processes.map((found) => toRow(found, place));
};

/** The adapter for Windows: PowerShell's CIM query, and process.kill. */
export const createWindowsTable = (options: WindowsTableOptions = {}): ProcessTable => {
  const { query = createQueryCim(), kill = systemKill, protectedPids = ownPids, cacheMs = 250 } = options;
  const ask = async (): Promise<CimSnapshot> => parseCim(await query());
  const snapshots = createSnapshots(ask, cacheMs, options.nowMs ?? (() => performance.now()));

  const look = (pid: number, snapshot: CimSnapshot): Lookup => {
    const found = snapshot.processes.find((one) => one.pid === pid);
    const row = found === undefined ? undefined : toRow(found, placeOf(snapshot));
    return lookupOf(row, () => exists(kill, pid));
  };

  // A cookie is not asked for: none can be read here, and no two processes share a pid and a microsecond.
  const judge = (identity: ProcessIdentity, snapshot: CimSnapshot): Lookup =>
    judgePlace(identity, placeOf(snapshot)) ?? judgeHolder(identity, look(identity.pid, snapshot));

  const isTarget = (pid: number): boolean => isTargetPid(pid) && pid > SYSTEM_PID && !protectedPids().includes(pid);

  const send = async (identity: ProcessIdentity, signal: NodeJS.Signals): Promise<SignalResult> => {
    const { pid } = identity;
    if (!isTarget(pid)) return { outcome: 'refused', reason: `pid ${pid} is never a target` };
    if (!ENDING.includes(signal)) return { outcome: 'refused', reason: `Windows has no ${signal}` };
    const found = await orUnknown(async () => judge(identity, await snapshots.fresh()));
    const kept = unsent(found);
    if (kept !== undefined) return kept;
    snapshots.forget();
    return deliver(kill, pid, signal);
  };

  return {
    identify: (pid) =>
      orUnknown(async () =>
        isTargetPid(pid) ? look(pid, await snapshots.fresh()) : { status: 'dead', reason: 'gone' },
      ),
    lookup: (identity) => orUnknown(async () => judge(identity, await snapshots.fresh())),
    list: async ({ onRow } = {}) => {
      const rows = rowsOf(await snapshots.recent());
      if (onRow !== undefined) for (const row of rows) onRow(row);
      return rows;
    },
    descendants: async (identity) => {
      const snapshot = await snapshots.fresh();
      return judge(identity, snapshot).status === 'alive' ? descend(rowsOf(snapshot), [identity.pid]) : [];
    },
    groupMembers: async () => [],
    findByCookie: async () => [],
    openDescriptors: async () => undefined,
    commandLine: async (identity) => {
      const snapshot = await snapshots.fresh();
      if (judge(identity, snapshot).status !== 'alive') return [];
      const line = snapshot.processes.find(({ pid }) => pid === identity.pid)?.commandLine;
      return line === undefined ? [] : [line];
    },
    signal: send,
    signalGroup: async () => ({ outcome: 'refused', reason: 'Windows has no process groups' }),
    usage: async (identities) => {
      const snapshot = await snapshots.recent();
      const place = placeOf(snapshot);
      const held = new Map(snapshot.processes.map((found) => [found.pid, found]));
      const total = { processes: 0, cpuMs: 0, memoryBytes: 0 };
      for (const identity of identities) {
        const found = held.get(identity.pid);
        if (found === undefined || compareIdentity(identity, toRow(found, place).identity) !== 'same') continue;
        total.processes += 1;
        total.cpuMs += found.cpuMs;
        total.memoryBytes += found.memoryBytes;
      }
      return total;
    },
  };
};
