import { compareIdentity, descend, type ProcessIdentity, type ProcessRow } from '@cm/process-table';
import type { StopTarget } from './target.js';

type Belonging = Pick<StopTarget, 'identity' | 'pgid' | 'cookie' | 'known'>;

/**
 * Which living processes of one listing belong to a target. Proven members first: the leader and those seen earlier, by identity;
 * whoever carries the cookie. From them it spreads to their descendants and to the groups and sessions they lead, until nothing is
 * added. The target's own group counts only while a proven member is in it: an empty group's number is handed out again.
 *
 * @param never pids that are left out whatever they seem to belong to, such as the caller's own.
 */
export const membersOf = (
  target: Belonging,
  rows: readonly ProcessRow[],
  never: ReadonlySet<number> = new Set(),
): ProcessRow[] => {
  const living = rows.filter((row) => row.state !== 'zombie' && row.identity.pid > 1 && !never.has(row.identity.pid));
  const byPid = new Map(living.map((row) => [row.identity.pid, row]));
  const found = new Map<number, ProcessRow>();

  const proven = (identity: ProcessIdentity): void => {
    const row = byPid.get(identity.pid);
    if (row !== undefined && compareIdentity(identity, row.identity) === 'same') found.set(identity.pid, row);
  };
  proven(target.identity);
  for (const identity of target.known ?? []) proven(identity);
  if (target.cookie !== undefined) {
    for (const row of living) if (row.cookie === target.cookie) found.set(row.identity.pid, row);
  }

  for (let before = -1; before !== found.size; ) {
    before = found.size;
    const leads = new Set(found.keys());
    if (target.pgid !== undefined) {
      const { pgid } = target;
      if ([...found.values()].some((row) => row.pgid === pgid || row.sid === pgid)) leads.add(pgid);
    }
    for (const row of living) if (leads.has(row.pgid) || leads.has(row.sid)) found.set(row.identity.pid, row);
    for (const row of descend(living, found.keys())) found.set(row.identity.pid, row);
  }
  return [...found.values()];
};
