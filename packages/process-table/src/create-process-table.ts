import { ProcessTableError } from './errors.js';
import { createLinuxTable } from './linux/create-linux-table.js';
import { createPosixTable } from './posix/create-posix-table.js';
import { dialectOf } from './posix/ps-dialect.js';
import { readPlace } from './posix/read-place.js';
import type { ProcessTable } from './process-table.js';
import { createWindowsTable } from './windows/create-windows-table.js';

export interface ProcessTableOptions {
  /** The platform to adapt to. Default: this one. */
  readonly platform?: NodeJS.Platform;
}

const createUnsupportedTable = (platform: string): ProcessTable => {
  const refuse = (): Promise<never> =>
    Promise.reject(
      new ProcessTableError(
        'unsupported-platform',
        `unsupported platform ${platform}: this version has no adapter for it`,
      ),
    );
  return {
    identify: refuse,
    lookup: refuse,
    list: refuse,
    descendants: refuse,
    groupMembers: refuse,
    findByCookie: refuse,
    openDescriptors: refuse,
    commandLine: refuse,
    signal: refuse,
    signalGroup: refuse,
    usage: refuse,
  };
};

/**
 * The process table of this machine: `/proc` on Linux, CIM on Windows, `ps` on macOS, the BSDs, Solaris and AIX. On a platform
 * without an adapter every method rejects with `unsupported-platform`.
 */
export const createProcessTable = ({ platform = process.platform }: ProcessTableOptions = {}): ProcessTable => {
  if (platform === 'linux') return createLinuxTable();
  if (platform === 'win32') return createWindowsTable();
  const dialect = dialectOf(platform);
  if (dialect === undefined) return createUnsupportedTable(platform);
  return createPosixTable({ dialect, place: () => readPlace(platform) });
};
