import { type RecoveredRow, readProcessRegistry } from '@cm/process-registry';
import type { ProcessTable } from '@cm/process-table';
import type { DataDirectory, ProcessView } from '../contract/index.js';
import { createRowMembers } from './row-members.js';
import { processView } from './views.js';

/** A process that a worker left on record, and what has become of it since. */
export interface LeftProcess extends ProcessView {
  /** Of the process that is on record. `reused`: it is dead, and its pid belongs to a stranger. */
  readonly liveness: RecoveredRow['status'];
}

/**
 * The processes on record, for whoever cannot ask the worker: it is not there, or does not answer. Changes nothing and waits for nobody.
 *
 * Throws ProcessRegistryError `newer-schema` or `open-failed`.
 */
export const leftOnRecord = async (
  { registry: directory }: Pick<DataDirectory, 'registry'>,
  table: ProcessTable,
): Promise<{ readonly processes: LeftProcess[]; readonly damaged: number }> => {
  const { rows, dropped: damaged, recover } = readProcessRegistry({ directory });
  if (rows.length === 0) return { processes: [], damaged };
  const members = await createRowMembers(table).find(rows);
  const recovered = await recover(table);
  const processes = recovered.map(({ row, status, found }) => {
    const all = new Map([...found, ...(members.get(row.id) ?? [])].map((member) => [member.identity.pid, member]));
    return { ...processView(row, [...all.values()]), liveness: status };
  });
  return { processes, damaged };
};
