import type { ProcessRecord, ProcessRegistry, RestartHistory } from '@cm/process-registry';
import { cgroupPath } from '@cm/shutdown-cascade';
import { recordIntent, recordRestart } from './record-process.js';
import type { SpawnRequest } from './spawn-request.js';
import type { WorkerCgroup } from './worker-cgroup.js';

export interface IntendContext {
  readonly registry: ProcessRegistry;
  readonly workerCgroup: Pick<WorkerCgroup, 'parent' | 'keptParent'>;
  readonly createCookie: () => string;
}

/** What each run has of its own: nobody of an earlier one can be taken for one of it. */
const marksOf = (
  { createCookie, workerCgroup: { parent, keptParent } }: IntendContext,
  { onWorkerDeath }: SpawnRequest,
): { readonly cookie: string; readonly cgroup?: string } => {
  const cookie = createCookie();
  const around = onWorkerDeath === 'keep' ? keptParent : parent;
  return { cookie, ...(around === undefined ? {} : { cgroup: cgroupPath(around, cookie) }) };
};

/** Puts on record that a process is about to be started. @throws WorkerError DUPLICATE_NAME, UNAVAILABLE */
export const intendFirstRun = (context: IntendContext, sessionId: string, request: SpawnRequest): ProcessRecord => {
  const { env, onDuplicate: _decidedBefore, ...spec } = request;
  const { cookie, ...held } = marksOf(context, request);
  return recordIntent(context.registry, { ...spec, ...held, sessionId, envKeys: Object.keys(env) }, cookie);
};

/** Puts on record that a row that has ended is about to be started again. @throws WorkerError DUPLICATE_NAME, UNAVAILABLE */
export const intendNextRun = (
  context: IntendContext,
  row: ProcessRecord,
  request: SpawnRequest,
  restarts: RestartHistory,
): ProcessRecord => recordRestart(context.registry, row, { ...marksOf(context, request), restarts });
