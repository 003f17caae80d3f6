import { mkdirSync } from 'node:fs';
import pino from 'pino';
import { createStream } from 'rotating-file-stream';
import type { LogLevel } from './settings/settings.js';
import type { Log } from './supervisor/log.js';

export interface WorkerLog {
  readonly log: Log;
  /** Resolves when everything is written. */
  close(): Promise<void>;
}

const open = (directory: string, level: LogLevel): WorkerLog => {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = createStream('worker.log', {
    path: directory,
    size: '5M',
    interval: '1d',
    maxSize: '50M',
    mode: 0o600,
    intervalUTC: true,
  });
  file.on('error', () => {
    // A full disk costs the log, not the worker.
  });
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, file);
  return { log, close: () => new Promise((resolve) => file.end(resolve)) };
};

/**
 * JSON lines in `logs/worker.log`, a new file each day or after 5 MB, 50 MB in all. Opened at its first word: a worker that finds the
 * claim taken has nothing to say, and opening alone may roll the holder's log away under it (fault 18).
 */
export const openWorkerLog = (directory: string, level: LogLevel): WorkerLog => {
  let opened: WorkerLog | undefined;
  const log = (): Log => {
    opened ??= open(directory, level);
    return opened.log;
  };
  return {
    log: {
      debug: (details, message) => log().debug(details, message),
      info: (details, message) => log().info(details, message),
      warn: (details, message) => log().warn(details, message),
      error: (details, message) => log().error(details, message),
    },
    close: async () => opened?.close(),
  };
};
