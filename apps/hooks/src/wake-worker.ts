import { lookForWorker } from './look-for-worker.js';
import { startDetached, type WakeOptions, type Waking } from './start-detached.js';

/**
 * The hot path's whole interest in the worker: one cheap look, and a detached start that nobody waits for where there is
 * none. Never throws.
 */
export const wakeWorker = async (options: WakeOptions): Promise<Waking> => {
  const sighting = lookForWorker(options.dataDirectory, options.now().getTime());
  if (sighting.status !== 'absent') return sighting;
  return startDetached(options);
};
