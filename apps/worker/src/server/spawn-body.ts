import { WorkerError } from '../supervisor/errors.js';
import { SPAWN_DEFAULTS, type SpawnRequest } from '../supervisor/spawn-request.js';
import { asStopSignal } from '../supervisor/to-target.js';

/** The body of `POST /api/sessions/:id/processes`, as its schema admits it. */
export interface SpawnBody {
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly envProfile?: string;
  readonly type?: string;
  readonly restart?: SpawnRequest['restart'];
  readonly stopSignal?: string;
  readonly graceMs?: number;
  readonly killWaitMs?: number;
  readonly stdin?: 'ignore' | 'pipe';
  readonly onDuplicate?: 'error' | 'replace';
  readonly onWorkerDeath?: 'kill' | 'keep';
  readonly ready?: object;
}

/** What is part of the contract but not of this version. Refused rather than ignored (R22). */
const refuseLater = (body: SpawnBody): void => {
  const later: readonly (readonly [string, boolean])[] = [
    ['envProfile', body.envProfile !== undefined],
    ['stdin', body.stdin === 'pipe'],
    ['ready', body.ready !== undefined],
  ];
  const asked = later.filter(([, wanted]) => wanted).map(([name]) => name);
  if (asked.length > 0) {
    throw new WorkerError('NOT_IN_THIS_VERSION', `not in this version: ${asked.join(', ')}`, {
      details: { fields: asked },
    });
  }
};

/** A spawn request with its defaults. @throws WorkerError NOT_IN_THIS_VERSION, INVALID */
export const toSpawnRequest = (body: SpawnBody): SpawnRequest => {
  refuseLater(body);
  const stopSignal = asStopSignal(body.stopSignal ?? SPAWN_DEFAULTS.stopSignal);
  if (stopSignal === undefined) {
    throw new WorkerError('INVALID', `stopSignal must be the name of an ending signal, such as SIGTERM or SIGINT`);
  }
  return {
    name: body.name,
    command: body.command,
    args: body.args ?? SPAWN_DEFAULTS.args,
    cwd: body.cwd ?? SPAWN_DEFAULTS.cwd,
    env: body.env ?? SPAWN_DEFAULTS.env,
    type: body.type ?? SPAWN_DEFAULTS.type,
    restart: body.restart ?? SPAWN_DEFAULTS.restart,
    stopSignal,
    graceMs: body.graceMs ?? SPAWN_DEFAULTS.graceMs,
    killWaitMs: body.killWaitMs ?? SPAWN_DEFAULTS.killWaitMs,
    onDuplicate: body.onDuplicate ?? SPAWN_DEFAULTS.onDuplicate,
    onWorkerDeath: body.onWorkerDeath ?? SPAWN_DEFAULTS.onWorkerDeath,
  };
};
