import { WorkerError } from './errors.js';

/** Who waits for something that may never come, so that they can be sent away. */
export interface Waiting {
  /** Runs a wait of a session; its signal aborts with the caller's, and when the session's waiters are sent away. */
  during<T>(sessionId: string, signal: AbortSignal, wait: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Without a session: everybody. They hear SESSION_ENDED, or STOPPING. */
  sendAway(sessionId?: string): void;
}

export const createWaiting = (): Waiting => {
  const waiters = new Map<AbortController, string>();
  return {
    during: async (sessionId, signal, wait) => {
      signal.throwIfAborted();
      const controller = new AbortController();
      const leave = (): void => controller.abort(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
      waiters.set(controller, sessionId);
      try {
        return await wait(controller.signal);
      } finally {
        waiters.delete(controller);
        signal.removeEventListener('abort', leave);
      }
    },
    sendAway: (sessionId) => {
      const reason =
        sessionId === undefined
          ? new WorkerError('STOPPING', 'the worker is stopping: nothing can be started any more')
          : new WorkerError('SESSION_ENDED', `session "${sessionId}" has ended`);
      for (const [controller, of] of waiters) if (sessionId === undefined || of === sessionId) controller.abort(reason);
    },
  };
};
