import { waitForLock } from '@cm/pid-file/lock';
import type { PidRecord } from '@cm/pid-file/read';
import { type DataDirectory, dataDirectoryAt, prepareDirectory } from '../contract/index.js';
import type { Artifact } from './find-artifact.js';
import { findWorker, type WorkerSighting } from './find-worker.js';
import { type SpawnedDaemon, spawnDaemon } from './spawn-daemon.js';

export interface EnsureWorkerOptions {
  readonly dataDirectory: DataDirectory;
  /** What to start when nothing runs; undefined: only look. */
  readonly artifact: Artifact | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long all of it may take. Default 15,000. */
  readonly deadlineMs?: number;
  readonly port?: number | undefined;
  readonly containment?: string | undefined;
  readonly execPath?: string;
  /** Called once, when a daemon is about to be waited for. */
  readonly onSpawn?: (pid: number | undefined) => void;
}

export type EnsuredWorker =
  | { readonly status: 'ready'; readonly record: PidRecord; readonly started: boolean }
  /** A worker is on its way, but was not ready in time. Nothing was undone: it may well be ready soon. */
  | { readonly status: 'warming'; readonly reason: string }
  /** One runs, but cannot be talked to. */
  | { readonly status: 'unreachable'; readonly reason: string; readonly record: PidRecord }
  /** Nothing runs and nothing could be started. `held` is set when the data directory is in use from elsewhere. */
  | { readonly status: 'refused'; readonly reason: string; readonly held: boolean };

/** Until a daemon is tried again that found the claim held while nobody is published: its holder may be on its way out. */
const HELD_PAUSE_MS = 500;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const verdict = (sighting: WorkerSighting): EnsuredWorker | undefined => {
  switch (sighting.status) {
    case 'running':
      return sighting.readiness === 'ready' ? { status: 'ready', record: sighting.record, started: false } : undefined;
    case 'elsewhere':
      return { status: 'refused', reason: sighting.reason, held: true };
    case 'unreachable':
      return sighting.denied ? { status: 'unreachable', reason: sighting.reason, record: sighting.record } : undefined;
    case 'absent':
      return undefined;
  }
};

/** Looks until somebody is ready, it is clear that nobody will be, or the time is up. */
const settle = async (
  dataDirectory: DataDirectory,
  endsAt: number,
  stop: (sighting: WorkerSighting) => EnsuredWorker | 'absent' | undefined,
): Promise<EnsuredWorker | 'absent'> => {
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    const sighting = await findWorker(dataDirectory, Math.max(50, Math.min(1000, endsAt - performance.now())));
    const decided = verdict(sighting) ?? stop(sighting);
    if (decided !== undefined) return decided;
    if (performance.now() + pauseMs >= endsAt) {
      return sighting.status === 'unreachable'
        ? { status: 'unreachable', reason: sighting.reason, record: sighting.record }
        : { status: 'warming', reason: 'the worker was not ready in time' };
    }
    await pause(pauseMs);
  }
};

const watch = (daemon: SpawnedDaemon): { readonly ended: () => EnsuredWorker | 'held' | undefined } => {
  let outcome: EnsuredWorker | 'held' | undefined;
  void daemon.ended.then(({ code, error }) => {
    if (code === 4) outcome = 'held';
    else {
      const reason = error?.message ?? (daemon.lastWords() || `the worker ended with code ${code} while it started`);
      outcome = { status: 'refused', reason, held: false };
    }
  });
  return { ended: () => outcome };
};

/**
 * The worker of a data directory: the one that runs, or a new one. Read, handshake; if nobody is there: lock, look again, spawn
 * detached, wait until it is ready. Whoever loses the race for the lock waits and uses the winner's worker.
 *
 * Never throws for what it finds; bounded by `deadlineMs`.
 */
export const ensureWorker = async (options: EnsureWorkerOptions): Promise<EnsuredWorker> => {
  const endsAt = performance.now() + (options.deadlineMs ?? 15_000);
  const remainingMs = (): number => Math.max(0, endsAt - performance.now());
  const prepared = prepareDirectory(options.dataDirectory.path);
  if (!prepared.ok) return { status: 'refused', reason: prepared.reason, held: false };
  const dataDirectory = dataDirectoryAt(prepared.path);

  const first = await settle(dataDirectory, endsAt, ({ status }) => (status === 'absent' ? 'absent' : undefined));
  if (first !== 'absent') return first;
  const { artifact } = options;
  if (artifact === undefined) return { status: 'refused', reason: 'no cm-worker.js was found', held: false };

  const locked = await waitForLock(dataDirectory.path, 'spawn', { deadlineMs: remainingMs() });
  if (locked.status === 'held') return { status: 'warming', reason: 'another process is starting the worker' };
  if (locked.status === 'failed') return { status: 'refused', reason: locked.reason, held: false };
  try {
    return await startUnderLock({ ...options, dataDirectory, artifact }, endsAt);
  } finally {
    await locked.lock.release();
  }
};

/** Looks again, starts a daemon where there is still none, and waits for it. The spawn lock is held. */
const startUnderLock = async (
  options: EnsureWorkerOptions & { readonly artifact: Artifact },
  endsAt: number,
): Promise<EnsuredWorker> => {
  const { dataDirectory, artifact } = options;
  const second = await settle(dataDirectory, endsAt, ({ status }) => (status === 'absent' ? 'absent' : undefined));
  if (second !== 'absent') return second;

  let heldBy: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    let daemon: SpawnedDaemon;
    try {
      daemon = spawnDaemon({ ...options, entry: artifact.entry });
    } catch (error) {
      return { status: 'refused', reason: error instanceof Error ? error.message : String(error), held: false };
    }
    if (attempt === 1) options.onSpawn?.(daemon.pid);
    const child = watch(daemon);
    let heldSince: number | undefined;
    const settled = await settle(dataDirectory, endsAt, ({ status }) => {
      const ended = child.ended();
      if (ended === undefined) return undefined;
      if (ended !== 'held') return ended;
      // Somebody else has the claim. They will publish their PID file soon, or they are on their way out.
      heldBy = daemon.lastWords() || 'held by another worker';
      heldSince ??= performance.now();
      return status === 'absent' && performance.now() - heldSince > HELD_PAUSE_MS ? 'absent' : undefined;
    });
    if (settled === 'absent') continue;
    if (settled.status === 'ready') return { ...settled, started: child.ended() !== 'held' };
    return settled.status === 'warming' && heldBy !== undefined
      ? { status: 'refused', reason: heldBy, held: true }
      : settled;
  }
};
