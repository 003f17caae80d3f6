import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What execvp(3) searches without a PATH. */
const DEFAULT_PATH = '/usr/local/bin:/bin:/usr/bin';

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'EIO');

/** Undefined when the file can be executed, else the errno that executing it would give. */
const refusal = (path: string): string | undefined => {
  try {
    if (!statSync(path).isFile()) return 'EACCES';
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
};

const directoryRefusal = (path: string): string | undefined => {
  try {
    if (!statSync(path).isDirectory()) return 'ENOTDIR';
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
};

export interface Executable {
  readonly command: string;
  readonly cwd: string;
  /** The child's own: its PATH is searched, as execvp(3) does. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Why a command could not be executed, as the errno that execvp(3) would give, or undefined where nothing speaks against it. Asked before
 * a shell is put in front of a command: that reports a failure by an exit code alone.
 */
export const whyNotExecutable = ({ command, cwd, env }: Executable): string | undefined => {
  const place = directoryRefusal(cwd);
  if (place !== undefined) return place;
  if (command === '') return 'ENOENT';
  if (command.includes('/')) return refusal(resolve(cwd, command));
  let denied = false;
  for (const directory of (env.PATH ?? DEFAULT_PATH).split(':')) {
    // An empty entry is the working directory.
    const found = refusal(resolve(cwd, join(directory || '.', command)));
    if (found === undefined) return undefined;
    denied ||= found === 'EACCES';
  }
  return denied ? 'EACCES' : 'ENOENT';
};
