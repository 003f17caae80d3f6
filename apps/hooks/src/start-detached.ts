import { type ArtifactSearch, findArtifact, spawnDaemon, tryWithSpawnLock } from '@cm/worker/client';
import type { DataDirectory } from '@cm/worker/contract';
import { errorText } from './error-text.js';
import { lookForWorker } from './look-for-worker.js';
import { rememberAttempt } from './spawn-attempt.js';

export interface WakeOptions {
  readonly dataDirectory: DataDirectory;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly search: ArtifactSearch;
  readonly now: () => Date;
}

export type Waking =
  | { readonly status: 'there' | 'booting' | 'breaker-open' | 'started' | 'someone-else-starts' }
  | { readonly status: 'failed'; readonly reason: string };

const startOnce = ({ dataDirectory, env, search, now }: WakeOptions): Waking => {
  const atMs = now().getTime();
  const sighting = lookForWorker(dataDirectory, atMs);
  if (sighting.status !== 'absent') return sighting;
  const artifact = findArtifact(search);
  let pid: number | undefined;
  try {
    if (artifact === undefined) return { status: 'failed', reason: 'no cm-worker.js was found' };
    ({ pid } = spawnDaemon({ dataDirectory, entry: artifact.entry, env }));
    return pid === undefined ? { status: 'failed', reason: 'the worker could not be started' } : { status: 'started' };
  } finally {
    rememberAttempt(dataDirectory, { pid, atMs, failures: sighting.failures });
  }
};

/** Starts the worker once, behind the lock of all starters and a second look under it. Waits for neither. Never throws. */
export const startDetached = async (options: WakeOptions): Promise<Waking> => {
  try {
    const locked = await tryWithSpawnLock(options.dataDirectory, () => startOnce(options));
    switch (locked.status) {
      case 'done':
        return locked.value;
      case 'held':
        return { status: 'someone-else-starts' };
      case 'failed':
        return locked;
    }
  } catch (error) {
    return { status: 'failed', reason: errorText(error) };
  }
};
