import { acquireLock } from '@cm/pid-file/lock';
import { findArtifact, spawnDaemon } from '@cm/worker/client';
import { errorText } from './error-text.js';
import { lookForWorker } from './look-for-worker.js';
import { rememberAttempt } from './spawn-attempt.js';
import type { WakeOptions, Waking } from './wake-worker.js';

/** Starts the worker once, behind the lock of all starters and a second look under it. Waits for neither. */
export const startDetached = async ({ dataDirectory, env, search, now }: WakeOptions): Promise<Waking> => {
  const locked = await acquireLock(dataDirectory.path, 'spawn');
  if (locked.status === 'held') return { status: 'someone-else-starts' };
  if (locked.status === 'failed') return { status: 'failed', reason: locked.reason };
  try {
    const atMs = now().getTime();
    const sighting = lookForWorker(dataDirectory, atMs);
    if (sighting.status !== 'absent') return sighting;
    const artifact = findArtifact(search);
    let pid: number | undefined;
    try {
      if (artifact === undefined) return { status: 'failed', reason: 'no cm-worker.js was found' };
      ({ pid } = spawnDaemon({ dataDirectory, entry: artifact.entry, env }));
      return pid === undefined
        ? { status: 'failed', reason: 'the worker could not be started' }
        : { status: 'started' };
    } finally {
      rememberAttempt(dataDirectory, { pid, atMs, failures: sighting.failures });
    }
  } catch (error) {
    return { status: 'failed', reason: errorText(error) };
  } finally {
    await locked.lock.release();
  }
};
