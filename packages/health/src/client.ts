export { type Probe, type ProbeRequest, probe } from './client/probe.js';
export { type Readiness, type WaitUntilReadyOptions, waitUntilReady } from './client/wait-until-ready.js';
