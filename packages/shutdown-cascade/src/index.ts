export type { CascadeEvent, CascadeTable } from './cascade/running.js';
export { cgroupPath, isCgroupPath } from './cgroup/cgroup-path.js';
export { type Cgroups, systemCgroups } from './cgroup/cgroups.js';
export type { CgroupProbe } from './cgroup/probe-cgroup.js';
export {
  isShutdownCascadeError,
  ShutdownCascadeError,
  type ShutdownCascadeErrorCode,
} from './errors.js';
export { hardenWindowsPath } from './harden-windows-path.js';
export type { KillTree } from './kill-tree.js';
export { membersOf } from './membership.js';
export {
  type Containment,
  type ContainmentChoice,
  type ContainmentTier,
  type ProbeOptions,
  probeContainment,
} from './probe-containment.js';
export {
  type CascadeReport,
  isGone,
  type LeftOver,
  type Outcome,
  type SignalRecord,
  type TargetReport,
} from './report.js';
export { createScope, type Scope, type ScopeOptions, type ScopeSpawn } from './scope.js';
export { type CascadeOptions, runShutdownCascade } from './shutdown-cascade.js';
export {
  type ContainedProcess,
  type ContainedSpawn,
  type Exit,
  spawnContained,
} from './spawn/spawn-contained.js';
export { spawnWithin } from './spawn/spawn-within.js';
export { withoutGate } from './spawn/wrapper.js';
export { DEFAULT_GRACE_MS, DEFAULT_KILL_WAIT_MS, DEFAULT_STOP_SIGNAL, type StopTarget } from './target.js';
