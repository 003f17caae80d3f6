import type { ArtifactSearch } from '@cm/worker/client';
import type { DataDirectory } from '@cm/worker/contract';
import { lookForWorker } from './look-for-worker.js';
import { startDetached } from './start-detached.js';

export interface WakeOptions {
  readonly dataDirectory: DataDirectory;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly search: ArtifactSearch;
  readonly now: () => Date;
}

export type Waking =
  | { readonly status: 'there' | 'booting' | 'breaker-open' | 'started' | 'someone-else-starts' }
  | { readonly status: 'failed'; readonly reason: string };

/**
 * The hot path's whole interest in the worker: one cheap look, and a detached start that nobody waits for where there is
 * none. Never throws.
 */
export const wakeWorker = async (options: WakeOptions): Promise<Waking> => {
  const sighting = lookForWorker(options.dataDirectory, options.now().getTime());
  if (sighting.status !== 'absent') return sighting;
  return startDetached(options);
};
