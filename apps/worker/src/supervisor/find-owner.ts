import type { ProcessTable } from '@cm/process-table';
import type { SessionOwner } from './session-store.js';

const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'fish', 'ksh', 'mksh', 'tcsh', 'csh', 'busybox', 'env']);

/** Beyond this many shells in a row nobody is looked for any more. */
const MOST_SHELLS = 16;

/**
 * The owner of a session, from the process that a hook named: the nearest ancestor that is not a shell, itself included, because a
 * host may run hooks through `sh -c`. Undefined when it is gone, or when a shell chain ends at pid 1: then no death would mean anything.
 */
export const findOwner = async (
  table: Pick<ProcessTable, 'identify'>,
  named: { readonly pid: number; readonly startToken?: string | undefined },
): Promise<SessionOwner | undefined> => {
  let { pid } = named;
  for (let step = 0; step < MOST_SHELLS && pid > 1; step += 1) {
    const found = await table.identify(pid);
    if (found.status !== 'alive') return undefined;
    const { identity, command, ppid } = found.process;
    // The pid was written down a while ago; its holder may have changed since.
    if (step === 0 && named.startToken !== undefined && named.startToken !== identity.startToken) return undefined;
    if (!SHELLS.has(command)) return { identity, command };
    pid = ppid;
  }
  return undefined;
};
