import { dirname } from 'node:path';
import type { Lookup, ProcessTable } from '@cm/process-table';
import { lookAtPidFile, type PidFileLook } from './look-at-pid-file.js';
import type { PidRecord } from './pid-record.js';
import { isSameDirectory } from './same-directory.js';

/**
 * - `alive`: the process that wrote it lives.
 * - `stale`: that process is proven dead: gone, a zombie, its pid reused, or of an earlier boot.
 * - `foreign`: the record is for another data directory, as in a copied file.
 * - `unknown`: nothing can be said of that process from here: another machine, another PID namespace, or unreadable.
 */
export type PidFileInspection =
  | { readonly status: 'missing' }
  | { readonly status: 'invalid'; readonly reason: string }
  | {
      readonly status: 'alive' | 'stale' | 'foreign' | 'unknown';
      readonly record: PidRecord;
      readonly reason?: string;
    };

export interface InspectPidFileOptions {
  readonly table: Pick<ProcessTable, 'lookup'>;
  /** The data directory that the file should be for. Default: the one it lies in. */
  readonly dataDir?: string;
}

type Death = Extract<Lookup, { status: 'dead' }>['reason'];

const DEATHS: Readonly<Record<Death, string>> = {
  gone: 'its process has ended',
  zombie: 'its process has ended and waits for its parent',
  reused: 'its process has ended and another one has its pid',
  'earlier-boot': 'it was written before this machine last started',
};

const lookUp = async (table: Pick<ProcessTable, 'lookup'>, record: PidRecord): Promise<Lookup> => {
  try {
    return await table.lookup(record);
  } catch (error) {
    return { status: 'unknown', reason: error instanceof Error ? error.message : String(error) };
  }
};

export const inspectLook = async (
  look: PidFileLook,
  table: Pick<ProcessTable, 'lookup'>,
  dataDir: string,
): Promise<PidFileInspection> => {
  if (look.status === 'missing') return look;
  if (look.status === 'invalid') return { status: 'invalid', reason: look.reason };
  const { record } = look;
  const found = await lookUp(table, record);
  // Before any comparison of paths: a container may have this very directory under another path.
  if (found.status === 'unknown') return { status: 'unknown', record, reason: found.reason };
  if (!isSameDirectory(record.dataDir, record.pid, dataDir)) {
    return { status: 'foreign', record, reason: `it is for ${record.dataDir}` };
  }
  return found.status === 'alive'
    ? { status: 'alive', record }
    : { status: 'stale', record, reason: DEATHS[found.reason] };
};

/** What a PID file says, and whether it is true. At most one read of the file and one lookup; no side effects; never rejects. */
export const inspectPidFile = (path: string, options: InspectPidFileOptions): Promise<PidFileInspection> =>
  inspectLook(lookAtPidFile(path), options.table, options.dataDir ?? dirname(path));
