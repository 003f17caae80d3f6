export { type AcquirePidFileOptions, acquirePidFile, type PidFileAcquisition } from './acquire-pid-file.js';
export { isPidFileError, PidFileError, type PidFileErrorCode } from './errors.js';
export { type InspectPidFileOptions, inspectPidFile, type PidFileInspection } from './inspect-pid-file.js';
export type { PidFileFields, PidFileHandle } from './pid-file-handle.js';
export type { PidRecord } from './pid-record.js';
