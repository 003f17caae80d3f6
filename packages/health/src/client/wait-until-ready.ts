import { timerDelay } from '../timer-delay.js';
import { type Probe, probe } from './probe.js';

export interface WaitUntilReadyOptions {
  readonly port: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** How long to go on asking, in milliseconds from now. */
  readonly deadlineMs: number;
  /** How long one question may take, in milliseconds. Default 1000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** `denied`: this process may not connect to that port at all, so waiting was given up at once. */
export type Readiness = 'ready' | 'deadline' | 'aborted' | 'denied';

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 50;

const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, timerDelay(ms));
    signal?.addEventListener('abort', done);
  });

const saysReady = (answer: Probe): boolean =>
  answer.status === 'answered' &&
  answer.code === 200 &&
  typeof answer.body === 'object' &&
  answer.body !== null &&
  'status' in answer.body &&
  answer.body.status === 'ready';

/**
 * Asks `GET /api/readiness` until the answer is 200 `{ status: "ready" }`, with pauses from 5 to 50 ms. That something
 * accepts connections, or that its process is alive, is not enough (field failure 92). Never rejects.
 */
export const waitUntilReady = async ({
  port,
  host = '127.0.0.1',
  deadlineMs,
  timeoutMs = 1000,
  signal,
}: WaitUntilReadyOptions): Promise<Readiness> => {
  const end = performance.now() + deadlineMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    if (signal?.aborted === true) return 'aborted';
    const leftMs = end - performance.now();
    // Not `<= 0`: with a deadline that is no number it would go on for ever.
    if (!(leftMs > 0)) return 'deadline';
    const answer = await probe({
      host,
      port,
      path: '/api/readiness',
      timeoutMs: Math.min(timeoutMs, leftMs),
      ...(signal === undefined ? {} : { signal }),
    });
    if (saysReady(answer)) return 'ready';
    if (answer.status === 'denied') return 'denied';
    await pause(Math.min(pauseMs, end - performance.now()), signal);
  }
};
