import { ensureWorker, findArtifact } from '@cm/worker/client';
import { errorText } from './error-text.js';
import { lookForWorker } from './look-for-worker.js';
import { forgetAttempts, rememberAttempt } from './spawn-attempt.js';
import type { WakeOptions } from './start-detached.js';

export interface EnsureOptions extends WakeOptions {
  readonly deadlineMs: number;
}

export type Ensuring = { readonly status: 'ready' } | { readonly status: 'not-ready'; readonly reason: string };

const LOOK_AGAIN_MS = 20;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Waits until a worker is ready, starting one where there is none: {@link ensureWorker}, behind the breaker of the hooks. A
 * worker that another hook has just started is waited for, not doubled. Never throws.
 */
export const ensure = async ({ dataDirectory, env, search, now, deadlineMs }: EnsureOptions): Promise<Ensuring> => {
  const endsAt = performance.now() + deadlineMs;
  const leftMs = (): number => Math.max(0, endsAt - performance.now());
  try {
    let sighting = lookForWorker(dataDirectory, now().getTime());
    while (sighting.status === 'booting' && leftMs() > LOOK_AGAIN_MS) {
      await pause(LOOK_AGAIN_MS);
      sighting = lookForWorker(dataDirectory, now().getTime());
    }
    if (sighting.status === 'booting' || sighting.status === 'breaker-open') {
      return { status: 'not-ready', reason: sighting.status };
    }
    const failures = sighting.status === 'absent' ? sighting.failures : 0;
    const artifact = findArtifact(search);
    const onSpawn = (pid: number | undefined): void =>
      rememberAttempt(dataDirectory, { pid, atMs: now().getTime(), failures });
    const ensured = await ensureWorker({ dataDirectory, artifact, env, deadlineMs: leftMs(), onSpawn });
    if (ensured.status !== 'ready') return { status: 'not-ready', reason: ensured.reason };
    forgetAttempts(dataDirectory);
    return { status: 'ready' };
  } catch (error) {
    return { status: 'not-ready', reason: errorText(error) };
  }
};
