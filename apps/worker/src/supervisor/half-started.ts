import type { ProcessRecord } from '@cm/process-registry';
import type { ProcessIdentity, ProcessRow, ProcessTable } from '@cm/process-table';
import { isCgroupPath, type StopTarget, systemCgroups } from '@cm/shutdown-cascade';

/** Who is in the cgroup of an intent: a process may have dropped the cookie, but not that. */
const inCgroup = async (
  { cgroup }: ProcessRecord,
  table: Pick<ProcessTable, 'identify'>,
): Promise<ProcessIdentity[]> => {
  if (cgroup === undefined || !isCgroupPath(cgroup)) return [];
  const looks = await Promise.all(systemCgroups.pids(cgroup).map((pid) => table.identify(pid)));
  return looks.flatMap((look) => (look.status === 'alive' ? [look.process.identity] : []));
};

/** The processes of a row that was started and never recorded, as targets: whoever carries its cookie, or is in its cgroup. */
export const halfStarted = async (
  row: ProcessRecord,
  carriers: readonly Pick<ProcessRow, 'identity'>[],
  table: Pick<ProcessTable, 'identify'>,
): Promise<StopTarget[]> => {
  const all = [...carriers.map(({ identity }) => identity), ...(await inCgroup(row, table))];
  const found = new Map(all.map((identity) => [identity.pid, identity]));
  const { id, cookie, cgroup, order } = row;
  return [...found.values()].map((identity) => ({ id, identity, cookie, cgroup, order }));
};
