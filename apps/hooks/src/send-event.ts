import { homedir } from 'node:os';
import type { ArtifactSearch } from '@cm/worker/client';
import type { SpooledEvent } from '@cm/worker/contract';
import { boundSessionId } from './adapters/fields.js';
import type { HostEvent } from './adapters/index.js';
import { buildEvent, UNKNOWN_SESSION } from './build-event.js';
import { enterDataDirectory } from './enter-data-directory.js';
import type { Waking } from './start-detached.js';
import { wakeWorker } from './wake-worker.js';
import { writeSpool } from './write-spool.js';

export interface SendEventOptions {
  /** The event's name, such as `PostToolUse`. */
  readonly event: string;
  /** The session it belongs to. */
  readonly sessionId: string;
  /** Who sends it, such as `claude-code`. */
  readonly agent: string;
  readonly payload?: unknown;
  /** The agent's process; the session ends with it. */
  readonly ownerPid?: number;
  /** Of an event that happens once: makes its id the same in every copy. */
  readonly toolUseId?: string;
  /** Default: this process's. `CM_DATA_DIR`, `CM_DISABLED` and `CM_SCOPE` are heeded. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where to look for the worker when none runs. Without it none is started. */
  readonly search?: ArtifactSearch;
  /** Default: the time of the call. */
  readonly at?: Date;
}

export type SentEvent =
  /** It is in the spool, at `path`. `worker` says what was found or done about the worker. */
  | {
      readonly status: 'spooled';
      readonly event: SpooledEvent;
      readonly path: string;
      readonly worker: Waking | undefined;
    }
  | { readonly status: 'stays-out' | 'unusable' | 'dropped'; readonly reason: string };

const textOf = (payload: unknown): string => {
  try {
    return JSON.stringify(payload) ?? '';
  } catch {
    // Circular, or nested deeper than the stack: the event goes without it.
    return '';
  }
};

/** Hands one event over to the worker of the data directory, as `cm-hook` does, from a program that runs already. Never rejects. */
export const sendEvent = async (options: SendEventOptions): Promise<SentEvent> => {
  const { event, agent, sessionId, payload = null, ownerPid, toolUseId, at = new Date(), search } = options;
  const env = options.env ?? process.env;
  const entry = enterDataDirectory({ env, home: () => env.HOME || homedir(), cwd: () => process.cwd() });
  if (entry.status !== 'entered') return entry;
  const { dataDirectory } = entry;
  const host: HostEvent = {
    sessionId: boundSessionId(sessionId || UNKNOWN_SESSION),
    ...(ownerPid === undefined ? {} : { ownerPid }),
    ...(toolUseId === undefined ? {} : { toolUseId }),
  };
  const text = textOf(payload);
  const built = buildEvent({ event, agent, at, host, payload, truncated: false, text });
  const written = writeSpool(dataDirectory, built);
  if (written.status === 'dropped') return { status: 'dropped', reason: written.reason };
  const now = (): Date => new Date();
  const worker = search === undefined ? undefined : await wakeWorker({ dataDirectory, env, search, now });
  return { status: 'spooled', event: built, path: written.path, worker };
};
