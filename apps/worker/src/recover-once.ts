import { acquirePidFile } from '@cm/pid-file';
import { type Clock, createProcessTable, type ProcessTable, systemClock } from '@cm/process-table';
import { probeContainment } from '@cm/shutdown-cascade';
import type { DataDirectory } from './contract/index.js';
import { createSupervisor } from './supervisor/create-supervisor.js';
import { type Log, silentLog } from './supervisor/log.js';
import type { Recovery } from './supervisor/recovery.js';

const LAST_MOMENTS_MS = 500;

export interface RecoverOnceOptions {
  readonly dataDirectory: DataDirectory;
  readonly table?: ProcessTable;
  readonly clock?: Clock;
  readonly log?: Log;
}

export type RecoverOnce =
  | ({ readonly status: 'recovered' } & Recovery)
  /** A worker runs, or starts: it recovers by itself. */
  | { readonly status: 'held'; readonly reason: string }
  | { readonly status: 'failed'; readonly reason: string };

/**
 * Cleans up after a worker that was killed, without becoming one: takes the claim, so that nobody starts meanwhile, ends what is on record,
 * and leaves. Publishes nothing, binds no port, takes no event.
 */
export const recoverOnce = async (options: RecoverOnceOptions): Promise<RecoverOnce> => {
  const { dataDirectory, table = createProcessTable(), clock = systemClock, log = silentLog } = options;
  const endsAtMs = clock.monotonicMs() + LAST_MOMENTS_MS;
  let acquired = await acquirePidFile(dataDirectory.pidFile, { table });
  // A worker that was killed gives back its claim, and then its number, some moments after its children have noticed.
  while (acquired.status === 'held' && acquired.reason !== 'elsewhere' && clock.monotonicMs() < endsAtMs) {
    await clock.sleep(25);
    acquired = await acquirePidFile(dataDirectory.pidFile, { table });
  }
  if (acquired.status === 'held') return { status: 'held', reason: acquired.message };
  if (acquired.status === 'failed') return { status: 'failed', reason: acquired.reason };
  try {
    // Nothing is started here, so nothing has to be held.
    const containment = { ...probeContainment({ choice: 'group' }), insisted: false };
    const supervisor = createSupervisor({ dataDirectory, containment, table, clock, log, guardian: false });
    return { status: 'recovered', ...(await supervisor.recoverOnly()) };
  } catch (error) {
    return { status: 'failed', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    await acquired.handle.release();
  }
};
