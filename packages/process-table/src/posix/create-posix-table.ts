import { uptime as systemUptime } from 'node:os';
import { deliver, exists, type Kill, ownPids, systemKill } from '../deliver.js';
import { descend } from '../descend.js';
import { ProcessTableError } from '../errors.js';
import { compareCookie, compareIdentity, compareToken, isTargetPid, type ProcessIdentity } from '../identity.js';
import { judgeHolder, judgePlace, lookupOf, orUnknown, type Place, unsent } from '../judge.js';
import type { Lookup, ProcessRow, ProcessTable, SignalResult, Usage } from '../process-table.js';
import type { PsProcess } from './parse-ps.js';
import type { PsDialect } from './ps-dialect.js';
import { createCookieReader } from './read-cookies.js';
import { createPsReader } from './read-processes.js';
import { createRunPs, type RunPs } from './run-ps.js';

export interface PosixTableOptions {
  readonly dialect: PsDialect;
  /** Where this process runs; asked again as long as the boot id cannot be read. */
  readonly place: () => Promise<Place>;
  readonly run?: RunPs;
  readonly kill?: Kill;
  /** Pids that are never signalled: this process and its parent, by default. */
  readonly protectedPids?: () => readonly number[];
  /** Seconds since boot, on a clock that nobody sets. */
  readonly uptime?: () => number;
}

/** Remembers where this process runs once it is known; until then every question asks again. */
const remember = (ask: () => Promise<Place>): (() => Promise<Place>) => {
  let answer: Promise<Place> | undefined;
  const forget = (): void => {
    answer = undefined;
  };
  return () => {
    if (answer !== undefined) return answer;
    const asked = ask();
    answer = asked;
    asked.then(({ bootId }) => bootId === '' && forget(), forget);
    return asked;
  };
};

/** The adapter for systems that have `ps` and no `/proc` worth reading: one run of ps for each question. */
export const createPosixTable = (options: PosixTableOptions): ProcessTable => {
  const { dialect, run = createRunPs(dialect), kill = systemKill, protectedPids = ownPids } = options;
  const place = remember(options.place);
  const read = createPsReader(run, options.uptime ?? systemUptime);
  const readCookies = createCookieReader(dialect, read);

  const toRow = (found: PsProcess, here: Place, cookie?: string): ProcessRow => ({
    identity: { pid: found.pid, startToken: found.startToken, ...here },
    ppid: found.ppid,
    pgid: found.pgid,
    sid: found.sid,
    state: found.state,
    command: found.command,
    ...(cookie === undefined ? {} : { cookie }),
  });

  const readAll = async (): Promise<PsProcess[]> => {
    const found = await read(dialect.columns);
    // There is always somebody, if only this process: a listing without anybody is a failure.
    if (found.length === 0) throw new ProcessTableError('ps-failed', `${dialect.program} listed nobody`);
    return found;
  };

  /** Reads some processes by pid. What follows the last read runs in the tick in which ps answered. */
  const readSome = async (pids: readonly number[]): Promise<Map<number, PsProcess>> => {
    const targets = pids.filter((pid) => pid === 1 || isTargetPid(pid));
    const found = new Map<number, PsProcess>();
    if (targets.length === 0) return found;
    for (const one of await read(dialect.columns, targets)) {
      // The first line of a pid is its own; a second could only be text of somebody's command.
      if (targets.includes(one.pid) && !found.has(one.pid)) found.set(one.pid, one);
    }
    return found;
  };

  const look = (pid: number, among: ReadonlyMap<number, PsProcess>, here: Place): Lookup => {
    const found = among.get(pid);
    return lookupOf(found === undefined ? undefined : toRow(found, here), () => exists(kill, pid));
  };

  /** A second is long enough for a pid to come round again; the cookie tells its two holders apart. */
  const lookupNow = async (identity: ProcessIdentity): Promise<Lookup> => {
    const here = await place();
    const elsewhere = judgePlace(identity, here);
    if (elsewhere !== undefined) return elsewhere;
    const judge = async (): Promise<Lookup> =>
      judgeHolder(identity, look(identity.pid, await readSome([identity.pid]), here));
    const found = await judge();
    if (found.status !== 'alive' || identity.cookie === undefined || found.process.ppid === process.pid) return found;
    const cookie = (await readCookies([identity.pid])).get(identity.pid)?.cookie;
    switch (compareCookie(identity, { cookie, ownChild: false })) {
      case 'same':
        // Reading the cookie took two more runs of ps: what was seen before them is old.
        return judge();
      case 'different':
        return { status: 'dead', reason: 'reused' };
      case 'unknown':
        return { status: 'unknown', reason: 'its cookie cannot be read, or was dropped' };
    }
  };

  const list: ProcessTable['list'] = async ({ cookies = false, onRow } = {}) => {
    const here = await place();
    const [found, carried] = await Promise.all([readAll(), cookies ? readCookies() : undefined]);
    return found
      .sort((a, b) => a.pid - b.pid)
      .map((one) => {
        const carrier = carried?.get(one.pid);
        const same = carrier !== undefined && compareToken(carrier.startToken, one.startToken) === 'same';
        const row = toRow(one, here, same ? carrier.cookie : undefined);
        onRow?.(row);
        return row;
      });
  };

  const living = async (wanted: (row: ProcessRow) => boolean, cookies = false): Promise<ProcessRow[]> =>
    (await list({ cookies })).filter((row) => row.state !== 'zombie' && wanted(row));

  const isProtected = (pid: number): boolean => !isTargetPid(pid) || protectedPids().includes(pid);

  const send = async (identity: ProcessIdentity, signal: NodeJS.Signals): Promise<SignalResult> => {
    const { pid } = identity;
    if (isProtected(pid)) return { outcome: 'refused', reason: `pid ${pid} is never a target` };
    const found = await orUnknown(() => lookupNow(identity));
    return unsent(found) ?? deliver(kill, pid, signal);
  };

  const sendToGroup = async (leader: ProcessIdentity, signal: NodeJS.Signals): Promise<SignalResult> => {
    const { pid } = leader;
    const refusal: SignalResult = { outcome: 'refused', reason: `group ${pid} is never a target` };
    if (!isTargetPid(pid)) return refusal;
    // Before the look at the leader, after which nothing may wait. A process changes its group only by its own doing.
    let own: Map<number, PsProcess> | undefined;
    const found = await orUnknown(async () => {
      own = await readSome(protectedPids());
      return lookupNow(leader);
    });
    if (!('process' in found)) return unsent(found) ?? { outcome: 'gone' };
    if (found.process.pgid !== pid) return { outcome: 'refused', reason: `process ${pid} leads no group` };
    if (own === undefined || [...own.values()].some(({ pgid }) => pgid === pid)) return refusal;
    const result = deliver(kill, -pid, signal);
    if (result.outcome !== 'refused' || result.reason !== 'EPERM') return result;
    // macOS answers EPERM for a group of zombies (kill(2) skips them there, and then nobody was permitted).
    const left = await living(({ pgid }) => pgid === pid).catch(() => undefined);
    return left?.length === 0 ? { outcome: 'gone' } : result;
  };

  const usageOf = async (identities: readonly ProcessIdentity[]): Promise<Usage> => {
    const here = await place();
    const found = await readSome(identities.map(({ pid }) => pid));
    const total = { processes: 0, cpuMs: 0, memoryBytes: 0 };
    for (const identity of identities) {
      const one = found.get(identity.pid);
      if (one === undefined || one.state === 'zombie') continue;
      if (compareIdentity(identity, toRow(one, here).identity) !== 'same') continue;
      total.processes += 1;
      total.cpuMs += one.cpuMs;
      total.memoryBytes += one.memoryBytes;
    }
    return total;
  };

  return {
    identify: (pid) =>
      orUnknown(async () => {
        if (pid !== 1 && !isTargetPid(pid)) return { status: 'dead', reason: 'gone' };
        const here = await place();
        return look(pid, await readSome([pid]), here);
      }),
    lookup: (identity) => orUnknown(() => lookupNow(identity)),
    list,
    descendants: async (identity) => {
      if ((await lookupNow(identity)).status !== 'alive') return [];
      return descend(await list(), [identity.pid]).filter((row) => row.state !== 'zombie');
    },
    groupMembers: (pgid) => living((row) => row.pgid === pgid),
    findByCookie: (cookie) => living((row) => row.cookie === cookie, true),
    openDescriptors: async () => undefined,
    commandLine: async (identity) => {
      if ((await lookupNow(identity)).status !== 'alive') return [];
      const found = (await read(['pid', 'args'], [identity.pid])).find(({ pid }) => pid === identity.pid);
      // ps joins the arguments with blanks.
      return found === undefined || found.command === '' ? [] : found.command.split(' ');
    },
    signal: send,
    signalGroup: sendToGroup,
    usage: usageOf,
  };
};
