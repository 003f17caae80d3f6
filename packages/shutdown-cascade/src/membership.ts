import { compareCookie, compareIdentity, type ProcessIdentity, type ProcessRow } from '@cm/process-table';
import type { StopTarget } from './target.js';

type Belonging = Pick<StopTarget, 'identity' | 'pgid' | 'cookie' | 'known' | 'lineage'>;

/** One listing, ready to be asked: a target then costs what it has, not what the machine has. */
interface Listing {
  readonly byPid: ReadonlyMap<number, ProcessRow>;
  readonly byCookie: ReadonlyMap<string, readonly ProcessRow[]>;
  /** By what they hold open. */
  readonly holding: ReadonlyMap<string, readonly ProcessRow[]>;
  /** By the pid of a parent, and by the number of a group or session, which is the pid of the process that leads it. */
  readonly under: ReadonlyMap<number, readonly ProcessRow[]>;
}

const listingOf = (rows: readonly ProcessRow[]): Listing => {
  const byCookie = new Map<string, ProcessRow[]>();
  const holding = new Map<string, ProcessRow[]>();
  const under = new Map<number, ProcessRow[]>();
  const put = <K>(map: Map<K, ProcessRow[]>, key: K, row: ProcessRow): void => {
    const present = map.get(key);
    if (present === undefined) map.set(key, [row]);
    else present.push(row);
  };
  for (const row of rows) {
    if (row.cookie !== undefined) put(byCookie, row.cookie, row);
    for (const held of row.holds ?? []) put(holding, held, row);
    for (const above of new Set([row.ppid, row.pgid, row.sid])) put(under, above, row);
  }
  return { byPid: new Map(rows.map((row) => [row.identity.pid, row])), byCookie, holding, under };
};

const holderOf = ({ byPid }: Listing, identity: ProcessIdentity): ProcessRow | undefined => {
  const row = byPid.get(identity.pid);
  if (row === undefined || compareIdentity(identity, row.identity) !== 'same') return undefined;
  const evidence = { cookie: row.cookie, ownChild: row.ppid === process.pid };
  return row.state === 'zombie' || compareCookie(identity, evidence) === 'same' ? row : undefined;
};

/**
 * Whether a process that holds a pipe of a target may have it from the target. Descriptors can also be handed to a stranger, as clients of
 * `tmux` and `ssh` do to a server that was there before: nobody who is older than the leader, or carries the cookie of somebody else, is taken.
 */
export const mayDescend = (row: ProcessRow, { identity, cookie }: Belonging): boolean =>
  Number(row.identity.startToken) >= Number(identity.startToken) && (row.cookie === undefined || row.cookie === cookie);

const spread = (target: Belonging, listing: Listing, never: ReadonlySet<number>): ProcessRow[] => {
  const found = new Set<number>(never);
  const members: ProcessRow[] = [];
  const add = (rows: readonly (ProcessRow | undefined)[] = []): void => {
    for (const row of rows) {
      if (row === undefined || row.identity.pid <= 1 || found.has(row.identity.pid)) continue;
      found.add(row.identity.pid);
      members.push(row);
    }
  };
  add([target.identity, ...(target.known ?? [])].map((identity) => holderOf(listing, identity)));
  if (target.cookie !== undefined) add(listing.byCookie.get(target.cookie));
  for (const held of target.lineage ?? []) add(listing.holding.get(held)?.filter((row) => mayDescend(row, target)));
  let grouped = false;
  for (let next = 0; next < members.length; next += 1) {
    const row = members[next];
    if (row === undefined) break;
    add(listing.under.get(row.identity.pid));
    // Once: with a thousand members in the group, adding all of it for each of them is a million looks.
    if (!grouped && target.pgid !== undefined && (row.pgid === target.pgid || row.sid === target.pgid)) {
      grouped = true;
      add(listing.under.get(target.pgid));
    }
  }
  // A zombie is no member, but it is proof: while it is there, the number of its group is not handed out again.
  return members.filter(({ state }) => state !== 'zombie');
};

/**
 * Which living processes of one listing belong to a target. Proven members first: the leader and those seen earlier, by identity;
 * whoever carries the cookie; whoever holds a pipe that was made for it. From them it spreads to their descendants and to the groups and sessions they lead, until nothing is
 * added. The target's own group counts only while a proven member is in it: an empty group's number is handed out again.
 *
 * @param never pids that are left out whatever they seem to belong to, such as the caller's own.
 */
export const membersOf = (
  target: Belonging,
  rows: readonly ProcessRow[],
  never: ReadonlySet<number> = new Set(),
): ProcessRow[] => spread(target, listingOf(rows), never);

/**
 * The members of targets that are stopped together, in the same order, each process with one target: nobody is asked twice, or killed
 * on another's clock. A leader belongs to itself, and what its lineage shows to it; what nothing but a shared cookie shows goes to
 * the first target that has it and still `wants` it.
 */
export const shareOut = (
  targets: readonly (Belonging & { readonly wants: boolean })[],
  rows: readonly ProcessRow[],
  never: ReadonlySet<number>,
): ProcessRow[][] => {
  const listing = listingOf(rows);
  const leaderOf = ({ identity }: Belonging): number | undefined => holderOf(listing, identity)?.identity.pid;
  const leaders = new Set(targets.flatMap((target) => leaderOf(target) ?? []));
  const owners = new Map<number, ProcessIdentity>();
  const shares = targets.map(() => new Set<ProcessRow>());
  const claim = (target: Belonging, share: Set<ProcessRow> | undefined): void => {
    const own = leaderOf(target);
    const others = new Set([...never, ...[...leaders].filter((pid) => pid !== own)]);
    for (const row of spread(target, listing, others)) {
      const owner = owners.get(row.identity.pid) ?? target.identity;
      // One process named by two targets is both of theirs.
      if (compareIdentity(owner, target.identity) !== 'same') continue;
      owners.set(row.identity.pid, target.identity);
      share?.add(row);
    }
  };
  for (const [index, target] of targets.entries()) claim({ ...target, cookie: undefined }, shares[index]);
  const cookies = new Set<string>();
  for (const [index, target] of targets.entries()) {
    if (target.cookie === undefined || !target.wants || cookies.has(target.cookie)) continue;
    cookies.add(target.cookie);
    claim(target, shares[index]);
  }
  return shares.map((share) => [...share]);
};
