import type { ProcessRow } from './process-table.js';

/** The rows below the given pids in one listing, parents before children. The roots themselves are left out. */
export const descend = (rows: readonly ProcessRow[], roots: Iterable<number>): ProcessRow[] => {
  const children = new Map<number, ProcessRow[]>();
  for (const row of rows) {
    const siblings = children.get(row.ppid);
    if (siblings === undefined) children.set(row.ppid, [row]);
    else siblings.push(row);
  }
  const seen = new Set<number>(roots);
  const found: ProcessRow[] = [];
  const queue = [...seen];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift()) {
    for (const child of children.get(parent) ?? []) {
      if (seen.has(child.identity.pid)) continue;
      seen.add(child.identity.pid);
      found.push(child);
      queue.push(child.identity.pid);
    }
  }
  return found;
};
