import type { StdioOptions } from 'node:child_process';
import type { ProcessIdentity, ProcessTable } from '@cm/process-table';

/** Node makes its pipes as socket pairs; both kinds have an inode number that nothing else has while anybody holds them. */
const PIPE = /^(socket|pipe):\[\d+\]$/;

/**
 * The child's ends of the pipes that were made for it. Whoever holds one later has it from the child. Read right after the spawn: what
 * was inherited or handed over by the caller is left out, and so is whatever this process holds too.
 */
export const readLineage = async (
  identity: ProcessIdentity,
  stdio: readonly unknown[] | StdioOptions,
  table: Pick<ProcessTable, 'openDescriptors'>,
): Promise<string[]> => {
  const streams = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio];
  const made = streams.flatMap((kind, number) => (kind === 'pipe' || kind === 'overlapped' ? [number] : []));
  if (made.length === 0) return [];
  const open = await table.openDescriptors(identity);
  return [...new Set(made.flatMap((number) => open?.get(number) ?? []))].filter((target) => PIPE.test(target));
};
