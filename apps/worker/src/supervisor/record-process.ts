import {
  isProcessRegistryError,
  type ProcessRecord,
  type ProcessRegistry,
  type ProcessSpec,
  type RestartIntent,
} from '@cm/process-registry';
import { messageOf, WorkerError } from './errors.js';

const unwritable = (error: unknown): WorkerError =>
  new WorkerError('UNAVAILABLE', `the registry cannot be written: ${messageOf(error)}`, { cause: error });

const isDuplicate = (error: unknown): boolean => isProcessRegistryError(error) && error.code === 'duplicate';

export const duplicateName = (name: string): WorkerError =>
  new WorkerError('DUPLICATE_NAME', `the session already runs a process named "${name}"`);

/** Writes the intent. @throws WorkerError DUPLICATE_NAME, UNAVAILABLE */
export const recordIntent = (
  registry: Pick<ProcessRegistry, 'prepare'>,
  spec: ProcessSpec,
  cookie?: string,
): ProcessRecord => {
  try {
    return registry.prepare(spec, cookie === undefined ? {} : { cookie });
  } catch (error) {
    if (!isDuplicate(error)) throw unwritable(error);
    throw duplicateName(spec.name);
  }
};

/** Writes the intent to start a row again. @throws WorkerError DUPLICATE_NAME, UNAVAILABLE */
export const recordRestart = (
  registry: Pick<ProcessRegistry, 'prepareRestart'>,
  { id, name }: ProcessRecord,
  intent: RestartIntent,
): ProcessRecord => {
  try {
    return registry.prepareRestart(id, intent);
  } catch (error) {
    throw isDuplicate(error) ? duplicateName(name) : unwritable(error);
  }
};

/** Writes who it is. @throws WorkerError ALREADY_OURS, UNAVAILABLE */
export const recordProcess = (
  registry: Pick<ProcessRegistry, 'register'>,
  row: ProcessRecord,
  registration: Parameters<ProcessRegistry['register']>[1],
): ProcessRecord => {
  try {
    return registry.register(row.id, registration);
  } catch (error) {
    if (!isDuplicate(error)) throw unwritable(error);
    throw new WorkerError('ALREADY_OURS', `process ${registration.identity.pid} is already registered`);
  }
};
