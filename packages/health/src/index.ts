export type { Check, CheckReport, CheckResult } from './check.js';
export {
  createHealthMonitor,
  type HealthMonitor,
  type HealthMonitorOptions,
} from './create-health-monitor.js';
export { HealthError, type HealthErrorCode, isHealthError } from './errors.js';
export { type DoctorOptions, type DoctorReport, runDoctor } from './run-doctor.js';
export { type Schedule, scheduleUnref } from './schedule.js';
