import type { ProcessRecord } from '@cm/process-registry';
import type { ProcessIdentity, ProcessRow, ProcessTable } from '@cm/process-table';
import { type Cgroups, type ContainedProcess, membersOf, type StopTarget, systemCgroups } from '@cm/shutdown-cascade';
import { toTarget } from './to-target.js';

/** What is known of rows beyond what is on record: our own children, and members that were seen once. */
export interface RowMembers {
  /** The child of a row that this worker started, while it lives. */
  child(id: string): ContainedProcess | undefined;
  addChild(id: string, child: ContainedProcess): void;
  removeChild(id: string): void;
  /** Members seen once belong to their row for good, whatever becomes of their links. */
  remember(id: string, identities: readonly ProcessIdentity[]): void;
  forget(id: string): void;
  /** The row as the cascade takes it; undefined while it has no process. */
  targetOf(row: ProcessRecord): StopTarget | undefined;
  /** The living members of each row, from one pass over all processes. */
  find(rows: readonly ProcessRecord[]): Promise<Map<string, ProcessRow[]>>;
  /** The rows among these that a process belongs to, in one listing. */
  ownersOf(pid: number, rows: readonly ProcessRecord[], listing: readonly ProcessRow[]): ProcessRecord[];
}

/** Never a member of anything: the worker itself, and whoever started it. */
const NEVER: ReadonlySet<number> = new Set([process.pid, process.ppid]);

export const createRowMembers = (
  table: Pick<ProcessTable, 'list'>,
  cgroups: Pick<Cgroups, 'pids'> = systemCgroups,
): RowMembers => {
  const children = new Map<string, ContainedProcess>();
  const known = new Map<string, readonly ProcessIdentity[]>();

  const targetOf = (row: ProcessRecord): StopTarget | undefined =>
    toTarget(row, known.get(row.id), children.get(row.id));
  const membersIn = (row: ProcessRecord, listing: readonly ProcessRow[]): ProcessRow[] => {
    const target = targetOf(row);
    if (target === undefined) return [];
    const found = new Map(membersOf(target, listing, NEVER).map((member) => [member.identity.pid, member]));
    const inCgroup = new Set(target.cgroup === undefined ? [] : cgroups.pids(target.cgroup));
    for (const member of listing) {
      if (inCgroup.has(member.identity.pid) && member.state !== 'zombie') found.set(member.identity.pid, member);
    }
    return [...found.values()];
  };

  return {
    child: (id) => children.get(id),
    addChild: (id, child) => void children.set(id, child),
    removeChild: (id) => void children.delete(id),
    remember: (id, identities) => void known.set(id, [...(known.get(id) ?? []), ...identities]),
    forget: (id) => {
      children.delete(id);
      known.delete(id);
    },
    targetOf,
    find: async (rows) => {
      const descriptors = new Set(rows.flatMap(({ lineage = [] }) => lineage));
      const listing = rows.length === 0 ? [] : await table.list({ cookies: true, descriptors });
      return new Map(
        rows.map((row) => {
          const found = membersIn(row, listing);
          const identities = found.map(({ identity }) => identity);
          known.set(row.id, identities);
          return [row.id, found];
        }),
      );
    },
    ownersOf: (pid, rows, listing) =>
      rows.filter((row) => membersIn(row, listing).some(({ identity }) => identity.pid === pid)),
  };
};
