import { isShutdownCascadeError } from '../errors.js';
import { type ContainedProcess, type ContainedSpawn, spawnContained } from './spawn-contained.js';

/**
 * As `spawnContained`, in a cgroup that worked when it was probed. It may have been taken away since: who does not insist on it goes
 * without.
 *
 * @throws as `spawnContained` does; `containment-failed` only where it is insisted on.
 */
export const spawnWithin = async (
  { cgroup, ...options }: ContainedSpawn & { readonly cgroup: string },
  insisted: boolean,
): Promise<ContainedProcess> => {
  try {
    return await spawnContained({ ...options, cgroup });
  } catch (error) {
    if (insisted || !isShutdownCascadeError(error) || error.code !== 'containment-failed') throw error;
    return spawnContained(options);
  }
};
