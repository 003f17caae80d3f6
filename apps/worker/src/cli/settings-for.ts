import type { DataDirectory } from '../contract/index.js';
import { readConfig } from '../settings/read-config.js';
import { resolveSettings } from '../settings/resolve-settings.js';
import type { Settings } from '../settings/settings.js';
import type { CommonOptions } from './common-options.js';
import { CommandError, EXIT, type Terminal } from './terminal.js';

export interface WorkerFlags extends CommonOptions {
  readonly containment?: string;
}

/** The settings of a worker that is to be started. @throws SettingsError; CommandError 1 when everything is switched off. */
export const settingsFor = (
  { port, containment }: WorkerFlags,
  { config }: Pick<DataDirectory, 'config'>,
  { env }: Pick<Terminal, 'env'>,
): Settings => {
  const settings = resolveSettings({ flags: { port, containment }, environment: env, config: readConfig(config) });
  if (!settings.disabled) return settings;
  throw new CommandError(EXIT.failed, 'disabled by CM_DISABLED or by "disabled" in config.json: nothing was started');
};
