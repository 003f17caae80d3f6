import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';

/** Where everything lies inside a data directory. */
export interface DataDirectory {
  /** Absolute; the real path once the directory exists. */
  readonly path: string;
  readonly pidFile: string;
  readonly token: string;
  readonly config: string;
  readonly registry: string;
  readonly spoolTmp: string;
  readonly spoolNew: string;
  readonly events: string;
  readonly logs: string;
  /** What the daemon's standard streams are connected to while it starts. */
  readonly bootLog: string;
  /** Where hooks note what they could not say anywhere else. */
  readonly hookLog: string;
  /** The last attempt of a hook to start the worker. */
  readonly spawnAttempt: string;
}

export const dataDirectoryAt = (path: string): DataDirectory => ({
  path,
  pidFile: join(path, 'worker.pid'),
  token: join(path, 'token'),
  config: join(path, 'config.json'),
  registry: join(path, 'registry'),
  spoolTmp: join(path, 'spool', 'tmp'),
  spoolNew: join(path, 'spool', 'new'),
  events: join(path, 'events'),
  logs: join(path, 'logs'),
  bootLog: join(path, 'logs', 'boot.log'),
  hookLog: join(path, 'logs', 'hook.log'),
  spawnAttempt: join(path, 'spool', 'spawn-attempt.json'),
});

export interface DataDirectoryChoice {
  /** `--data-dir`. */
  readonly flag?: string | undefined;
  /** `CM_DATA_DIR`. */
  readonly environment?: string | undefined;
  readonly home: string;
  readonly cwd: string;
}

/** Flag, else environment, else `~/.cm`. Expands a leading `~`, makes the path absolute, resolves links where it exists. */
export const chooseDataDirectory = ({ flag, environment, home, cwd }: DataDirectoryChoice): DataDirectory => {
  const wanted = flag || environment || '~/.cm';
  const expanded = wanted === '~' || wanted.startsWith('~/') ? join(home, wanted.slice(1)) : wanted;
  const absolute = isAbsolute(expanded) ? resolve(expanded) : resolve(cwd, expanded);
  let real = absolute;
  try {
    real = realpathSync(absolute);
  } catch {
    // It does not exist yet, or cannot be reached; whoever creates it finds out.
  }
  return dataDirectoryAt(real);
};

export type Prepared = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly reason: string };

const problemWith = (path: string, uid: number | undefined): string | undefined => {
  const stats = statSync(path);
  if (!stats.isDirectory()) return `${path} is not a directory`;
  if (uid !== undefined && stats.uid !== uid) return `${path} belongs to user ${stats.uid}, not to you (${uid})`;
  return undefined;
};

const exists = (path: string): boolean => {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
};

/**
 * Creates a directory and its missing parents, one at a time and looking first: Node 20's recursive mkdir never returns below
 * /proc. An existing one must be a directory of this user. Never throws, never blocks.
 */
export const prepareDirectory = (path: string, uid: number | undefined = process.getuid?.()): Prepared => {
  const missing: string[] = [];
  let existing = path;
  while (!exists(existing)) {
    missing.unshift(existing);
    const parent = dirname(existing);
    if (parent === existing) return { ok: false, reason: `${path} cannot be reached` };
    existing = parent;
  }
  try {
    if (missing.length === 0) {
      const problem = problemWith(path, uid);
      if (problem !== undefined) return { ok: false, reason: problem };
    }
    for (const directory of missing) {
      try {
        mkdirSync(directory, { mode: 0o700 });
      } catch (error) {
        // Another starter may have made it in the meantime.
        if (!exists(directory)) throw error;
      }
    }
    return { ok: true, path: realpathSync(path) };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
};
