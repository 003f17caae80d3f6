export {
  createWorker,
  type StartFailure,
  type StopRequest,
  type StopSummary,
  type Worker,
  type WorkerOptions,
  WorkerStartError,
} from './create-worker.js';
export { type Config, parseConfig, readConfig } from './settings/read-config.js';
export { resolveSettings, type SettingSources } from './settings/resolve-settings.js';
export { DEFAULTS, type Settings, SettingsError } from './settings/settings.js';
export type { AdoptRequest } from './supervisor/adopt-process.js';
export {
  createSupervisor,
  type Supervisor,
  type SupervisorFacts,
  type SupervisorOptions,
  type SupervisorState,
} from './supervisor/create-supervisor.js';
export { type ErrorCode, isWorkerError, WorkerError } from './supervisor/errors.js';
export type { SpawnOptions } from './supervisor/first-runs.js';
export type { Log } from './supervisor/log.js';
export type { SpawnInput, SpawnRequest } from './supervisor/spawn-request.js';
