import type { StdioOptions } from 'node:child_process';
import type { ProcessIdentity, ProcessTable } from '@cm/process-table';

/** Node makes its pipes as socket pairs; both kinds have an inode number that nothing else has while anybody holds them. */
const PIPE = /^(socket|pipe):\[\d+\]$/;

const pipesIn = (targets: Iterable<string>): string[] => [...targets].filter((target) => PIPE.test(target));

/**
 * The child's ends of the pipes that were made for it. Whoever holds one later has it from the child. Read right after the spawn; but it
 * runs already, and a shell that redirects its output keeps the pipe under another number meanwhile. So where one is missed, every
 * pipe counts that it holds and this process does not: what was inherited or handed over by the caller is held here too.
 */
export const readLineage = async (
  identity: ProcessIdentity,
  stdio: readonly unknown[] | StdioOptions,
  table: Pick<ProcessTable, 'identify' | 'openDescriptors'>,
): Promise<string[]> => {
  const streams = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio];
  const made = streams.flatMap((kind, number) => (kind === 'pipe' || kind === 'overlapped' ? [number] : []));
  if (made.length === 0) return [];
  const open = await table.openDescriptors(identity);
  const found = pipesIn(made.flatMap((number) => open?.get(number) ?? []));
  if (found.length === made.length) return [...new Set(found)];
  const own = await table.identify(process.pid);
  const inherited = 'process' in own ? await table.openDescriptors(own.process.identity) : undefined;
  // Without that, a pipe of the caller's could be taken for the child's.
  if (inherited === undefined) return [...new Set(found)];
  const ours = new Set(inherited.values());
  const again = await table.openDescriptors(identity);
  const all = pipesIn([...(open?.values() ?? []), ...(again?.values() ?? [])]);
  return [...new Set([...found, ...all.filter((target) => !ours.has(target))])];
};
