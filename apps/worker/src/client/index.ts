export { type CallOptions, type CallResult, callWorker, readToken } from './call-worker.js';
export { type EnsuredWorker, type EnsureWorkerOptions, ensureWorker } from './ensure-worker.js';
export { type Artifact, type ArtifactSearch, findArtifact } from './find-artifact.js';
export { findWorker, type WorkerSighting } from './find-worker.js';
export { type Handshake, handshake } from './handshake.js';
export { type SpawnDaemonOptions, type SpawnedDaemon, spawnDaemon } from './spawn-daemon.js';
export { type Locked, tryWithSpawnLock } from './spawn-lock.js';
