import { isTargetPid, type ProcessRow } from '@cm/process-table';

/** Whether `pid` is above `of` in one listing. */
export const isAncestorOf = (rows: readonly ProcessRow[], pid: number, of: number): boolean => {
  const parents = new Map(rows.map((row) => [row.identity.pid, row.ppid]));
  const seen = new Set<number>();
  for (let above = parents.get(of); above !== undefined && !seen.has(above); above = parents.get(above)) {
    if (above === pid) return true;
    seen.add(above);
  }
  return false;
};

export interface AdoptionFacts {
  readonly isAncestor: (pid: number) => boolean;
  readonly canSignal: (pid: number) => boolean;
}

/** Why a process may not be taken into a session, or undefined when it may. Pure but for the facts it is given. */
export const refusalOf = (
  wanted: { readonly pid: number; readonly startToken?: string | undefined },
  found: ProcessRow | undefined,
  facts: AdoptionFacts,
): string | undefined => {
  const { pid } = wanted;
  if (!isTargetPid(pid)) return `pid ${pid} may not be adopted`;
  if (pid === process.pid) return `pid ${pid} is the worker itself`;
  if (facts.isAncestor(pid)) return `pid ${pid} is an ancestor of the worker`;
  if (found === undefined) return `there is no process ${pid}`;
  // Kernel threads belong to no group.
  if (found.pgid === 0) return `pid ${pid} belongs to the kernel`;
  if (wanted.startToken !== undefined && wanted.startToken !== found.identity.startToken) {
    return `pid ${pid} belongs to another process by now: its start token differs`;
  }
  if (!facts.canSignal(pid)) return `pid ${pid} is not yours to signal`;
  return undefined;
};
