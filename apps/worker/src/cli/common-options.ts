import { Command } from 'commander';
import { chooseDataDirectory, type DataDirectory, dataDirectoryAt, prepareDirectory } from '../contract/index.js';
import { parsePort } from '../settings/resolve-settings.js';
import { CommandError, EXIT, type Terminal } from './terminal.js';

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

/** Creates a data directory where there is none. @throws CommandError 1 with the reason why it cannot be used. */
export const prepareDataDirectory = ({ path }: DataDirectory): DataDirectory => {
  const prepared = prepareDirectory(path);
  if (prepared.ok) return dataDirectoryAt(prepared.path);
  throw new CommandError(
    EXIT.failed,
    `the data directory cannot be used: ${prepared.reason}: choose another with --data-dir`,
  );
};
