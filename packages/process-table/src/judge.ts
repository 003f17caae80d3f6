import { isProcessTableError } from './errors.js';
import { compareIdentity, isTargetPid, type ProcessIdentity } from './identity.js';
import type { Lookup, ProcessRow, SignalResult } from './process-table.js';

/** Where and since when a pid means anything: what all identities of one table share. */
export type Place = Pick<ProcessIdentity, 'bootId' | 'machineId' | 'pidNs'>;

/** The answer of one row; an absent one is dead only where the system does not know the pid either. */
export const lookupOf = (row: ProcessRow | undefined, exists: () => boolean): Lookup => {
  if (row === undefined) {
    return exists()
      ? { status: 'unknown', reason: 'it exists, but is not listed' }
      : { status: 'dead', reason: 'gone' };
  }
  return row.state === 'zombie'
    ? { status: 'dead', reason: 'zombie', process: row }
    : { status: 'alive', process: row };
};

/** What is known of a recorded identity without looking: undefined where it was recorded here, since this boot. */
export const judgePlace = (identity: ProcessIdentity, place: Place): Lookup | undefined => {
  switch (compareIdentity(identity, { ...identity, ...place })) {
    case 'different':
      return { status: 'dead', reason: 'earlier-boot' };
    case 'unknown':
      return { status: 'unknown', reason: 'recorded on another machine, in another PID namespace, or incompletely' };
    case 'same':
      return isTargetPid(identity.pid) || identity.pid === 1 ? undefined : { status: 'dead', reason: 'gone' };
  }
};

/** What the present holder of a pid says of a recorded identity. A zombie too may be another process than the one recorded. */
export const judgeHolder = (identity: ProcessIdentity, found: Lookup): Lookup => {
  if (!('process' in found)) return found;
  switch (compareIdentity(identity, found.process.identity)) {
    case 'different':
      return { status: 'dead', reason: 'reused' };
    case 'unknown':
      return { status: 'unknown', reason: 'the start token cannot be compared' };
    case 'same':
      return found;
  }
};

/** Why no signal may go out after this look; undefined where one may. */
export const unsent = (found: Lookup): SignalResult | undefined => {
  if (found.status === 'unknown') return { outcome: 'unknown', reason: found.reason };
  if (found.status === 'alive') return undefined;
  return found.reason === 'reused' ? { outcome: 'foreign', reason: 'the pid was reused' } : { outcome: 'gone' };
};

/** An answer that could not be read is no answer: neither alive nor dead. */
export const orUnknown = async (answer: () => Promise<Lookup>): Promise<Lookup> => {
  try {
    return await answer();
  } catch (error) {
    if (!isProcessTableError(error)) throw error;
    return { status: 'unknown', reason: error.message };
  }
};
