export {
  isShutdownCascadeError,
  ShutdownCascadeError,
  type ShutdownCascadeErrorCode,
} from './errors.js';
export type { KillTree } from './kill-tree.js';
export { membersOf } from './membership.js';
export { type Containment, type ContainmentTier, probeContainment } from './probe-containment.js';
export type { CascadeReport, LeftOver, Outcome, SignalRecord, TargetReport } from './report.js';
export { createScope, type Scope, type ScopeOptions, type ScopeSpawn } from './scope.js';
export { type CascadeEvent, type CascadeOptions, runShutdownCascade } from './shutdown-cascade.js';
export {
  type ContainedProcess,
  type ContainedSpawn,
  type Exit,
  spawnContained,
  withoutGate,
} from './spawn-contained.js';
export { DEFAULT_GRACE_MS, DEFAULT_KILL_WAIT_MS, DEFAULT_STOP_SIGNAL, type StopTarget } from './target.js';
