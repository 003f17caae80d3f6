import { createServer, type Server } from 'node:net';
import { errorCode } from './error-code.js';
import { lockName } from './lock-name.js';

export interface Lock extends AsyncDisposable {
  /** Gives the lock back. May be called again; resolves when the next one can have it. */
  release(): Promise<void>;
}

/**
 * `held`: another holder lives. `failed`: it could not be tried, which is not a lock: `code` is an errno name,
 * `invalid-key`, `unsupported-platform`, or `aborted`.
 */
export type LockResult =
  | { readonly status: 'acquired'; readonly lock: Lock }
  | { readonly status: 'held' }
  | { readonly status: 'failed'; readonly code: string; readonly reason: string };

export interface LockOptions {
  /** Default: this one. */
  readonly platform?: NodeJS.Platform;
}

export interface WaitForLockOptions extends LockOptions {
  /** How long to wait for the holder, in milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

type Bound = { readonly server: Server } | { readonly code: string };

const bind = (name: string): Promise<Bound> =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.destroy();
    });
    // Stays for the server's life: an accept that fails (EMFILE) must not bring the holder down.
    server.on('error', (error) => resolve({ code: errorCode(error) }));
    // Exclusive, because the workers of a cluster would share what their primary binds.
    server.listen({ path: name, exclusive: true }, () => resolve({ server }));
    server.unref();
  });

/** Also resolves for a server that is closed already. */
const close = (server: Server): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));

const toLock = (server: Server): Lock => {
  const release = (): Promise<void> => close(server);
  return { release, [Symbol.asyncDispose]: release };
};

/**
 * Takes the lock of that name in a directory, or says at once why not. The kernel releases it when this process dies, in
 * whatever way; it does not keep this process alive. Linux only: an abstract socket, so it excludes within one network
 * namespace. Creates `lock.key` in the directory on first use. Never rejects.
 */
export const acquireLock = async (
  directory: string,
  name: string,
  { platform = process.platform }: LockOptions = {},
): Promise<LockResult> => {
  if (platform !== 'linux') {
    return {
      status: 'failed',
      code: 'unsupported-platform',
      reason: `unsupported platform ${platform}: this version locks on Linux only`,
    };
  }
  const wanted = lockName(directory, name);
  if (!wanted.ok) return { status: 'failed', code: wanted.code, reason: wanted.reason };
  const bound = await bind(wanted.name);
  if ('code' in bound) {
    return bound.code === 'EADDRINUSE'
      ? { status: 'held' }
      : { status: 'failed', code: bound.code, reason: `the kernel refused the lock: ${bound.code}` };
  }
  // If directory or key were replaced in between, others lock under another name by now: this one is worth nothing.
  const current = lockName(directory, name);
  if (current.ok && current.name === wanted.name) return { status: 'acquired', lock: toLock(bound.server) };
  await close(bound.server);
  return current.ok ? { status: 'held' } : { status: 'failed', code: current.code, reason: current.reason };
};

const LONGEST_PAUSE_MS = 50;

const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });

/** Tries until the lock is acquired, the try fails, or the deadline passes (`held`). An abort is `failed` with `aborted`. */
export const waitForLock = async (
  directory: string,
  name: string,
  { deadlineMs, signal, ...options }: WaitForLockOptions,
): Promise<LockResult> => {
  const end = performance.now() + deadlineMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    if (signal?.aborted === true) return { status: 'failed', code: 'aborted', reason: 'the wait was aborted' };
    const result = await acquireLock(directory, name, options);
    const leftMs = end - performance.now();
    if (result.status !== 'held' || leftMs <= 0) return result;
    await pause(Math.min(pauseMs, leftMs), signal);
  }
};
