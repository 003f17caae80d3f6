import { ProcessTableError } from './errors.js';
import { createLinuxTable } from './linux/create-linux-table.js';
import type { ProcessTable } from './process-table.js';

export interface ProcessTableOptions {
  /** The platform to adapt to. Default: this one. */
  readonly platform?: NodeJS.Platform;
}

const createUnsupportedTable = (platform: string): ProcessTable => {
  const refuse = (): Promise<never> =>
    Promise.reject(
      new ProcessTableError('unsupported-platform', `unsupported platform ${platform}: this version knows Linux only`),
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

/** The process table of this machine. On a platform without an adapter every method rejects with `unsupported-platform`. */
export const createProcessTable = ({ platform = process.platform }: ProcessTableOptions = {}): ProcessTable =>
  platform === 'linux' ? createLinuxTable() : createUnsupportedTable(platform);
