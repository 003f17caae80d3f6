import { Command } from 'commander';
import { chooseDataDirectory, type DataDirectory } from '../contract/index.js';
import { parsePort } from '../settings/resolve-settings.js';
import type { Terminal } from './terminal.js';

/** What every verb takes. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly dataDir?: string;
  readonly port?: number;
}

/** A verb with the options that all verbs share. */
export const verb = (name: string, summary: string): Command =>
  new Command(name)
    .description(summary)
    .option('--json', 'print JSON')
    .option('--data-dir <dir>', 'the data directory (default: $CM_DATA_DIR, else ~/.cm)')
    .option('--port <port>', 'exactly this port, when a worker is started', (text) => parsePort('--port', text));

export const dataDirectoryOf = ({ dataDir }: CommonOptions, { env, home, cwd }: Terminal): DataDirectory =>
  chooseDataDirectory({ flag: dataDir, environment: env.CM_DATA_DIR, home, cwd });
