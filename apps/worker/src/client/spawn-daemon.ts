import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { daemonPolicy, sanitizeEnv } from '@cm/env-sanitizer';
import type { DataDirectory } from '../contract/index.js';

export interface SpawnDaemonOptions {
  /** Already prepared: it exists and belongs to this user. */
  readonly dataDirectory: DataDirectory;
  /** The worker's `cm-worker.js`. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Node itself. Default: the one running. */
  readonly execPath?: string;
  /** An exact port, as `--port` asks for. */
  readonly port?: number | undefined;
  readonly containment?: string | undefined;
}

export interface SpawnedDaemon {
  /** Undefined when it could not even be started. */
  readonly pid: number | undefined;
  /** Resolves when it ends while this process still watches; `error` when it could not be started. */
  readonly ended: Promise<{ readonly code: number | null; readonly error?: Error }>;
  /** The last line it wrote while starting, for people. */
  readonly lastWords: () => string;
}

const lastLine = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? '';
  } catch {
    return '';
  }
};

/**
 * Starts the daemon. The only place that does (field failure 62): own session, no inherited stream (an inherited stdout holds the
 * launcher's host open), the data directory as working directory, an environment without the agent's markers.
 *
 * @throws the file system's error when the boot log cannot be opened.
 */
export const spawnDaemon = ({
  dataDirectory,
  entry,
  env,
  execPath = process.execPath,
  port,
  containment,
}: SpawnDaemonOptions): SpawnedDaemon => {
  mkdirSync(dataDirectory.logs, { recursive: true, mode: 0o700 });
  const log = openSync(dataDirectory.bootLog, 'w', 0o600);
  try {
    const child = spawn(
      execPath,
      [
        entry,
        'run',
        '--data-dir',
        dataDirectory.path,
        '--daemon',
        ...(port === undefined ? [] : ['--port', String(port)]),
        ...(containment === undefined ? [] : ['--containment', containment]),
      ],
      {
        cwd: dataDirectory.path,
        detached: true,
        env: { ...sanitizeEnv(env, daemonPolicy), CM_DATA_DIR: dataDirectory.path },
        stdio: ['ignore', log, log],
        windowsHide: true,
      },
    );
    const ended = new Promise<{ code: number | null; error?: Error }>((resolve) => {
      child.once('error', (error) => resolve({ code: null, error }));
      child.once('exit', (code) => resolve({ code }));
    });
    child.unref();
    return { pid: child.pid, ended, lastWords: () => lastLine(dataDirectory.bootLog) };
  } finally {
    closeSync(log);
  }
};
