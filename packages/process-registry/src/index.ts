export { isProcessRegistryError, ProcessRegistryError, type ProcessRegistryErrorCode } from './errors.js';
export { openProcessRegistry } from './open-process-registry.js';
export type {
  ProcessRegistry,
  ProcessRegistryOptions,
  RecoveredRow,
  Registration,
  RegistryChange,
  RestartIntent,
} from './process-registry.js';
export { type ReadProcessRegistry, readProcessRegistry } from './read-process-registry.js';
export {
  identityOfRow,
  type ProcessExit,
  type ProcessRecord,
  type ProcessSpec,
  parseRecord,
  type RestartHistory,
  STDERR_TAIL_BYTES,
} from './record.js';
export { isEnded, ROW_STATUSES, type RowEvent, type RowStatus, transition } from './transition.js';
