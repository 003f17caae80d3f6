import { DEFAULT_PORT } from '../contract/index.js';
import { type Config, portRule } from './read-config.js';
import {
  CONTAINMENTS,
  type Containment,
  DEFAULTS,
  LOG_LEVELS,
  type LogLevel,
  type Settings,
  SettingsError,
} from './settings.js';

export interface SettingSources {
  readonly flags: { readonly port?: number | undefined; readonly containment?: string | undefined };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly config: Config;
}

const member = <T extends string>(name: string, value: string, allowed: readonly T[]): T => {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new SettingsError(`${name} must be one of ${allowed.join(', ')}, not "${value}"`);
  return found;
};

/** A port as somebody typed it. @throws SettingsError */
export const parsePort = (name: string, text: string): number => {
  const port = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!portRule.accepts(port)) throw new SettingsError(`${name} must be ${portRule.expected}, not "${text}"`);
  return port;
};

const parseContainment = (name: string, text: string): Containment => member(name, text, CONTAINMENTS);

const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** Flag, then environment, then `config.json`, then default. Pure. @throws SettingsError */
export const resolveSettings = ({ flags, environment, config }: SettingSources): Settings => {
  const { port: configPort, ...rest } = config;
  const environmentPort = given(environment.CM_WORKER_PORT);
  const containment = flags.containment ?? given(environment.CM_CONTAINMENT);
  const logLevel = given(environment.CM_LOG_LEVEL);
  const preferred =
    environmentPort === undefined ? (configPort ?? DEFAULT_PORT) : parsePort('CM_WORKER_PORT', environmentPort);
  return {
    ...DEFAULTS,
    ...rest,
    ...(containment === undefined ? {} : { containment: parseContainment('containment', containment) }),
    ...(logLevel === undefined ? {} : { logLevel: member<LogLevel>('CM_LOG_LEVEL', logLevel, LOG_LEVELS) }),
    disabled: environment.CM_DISABLED === '1' || rest.disabled === true,
    port: flags.port === undefined ? { value: preferred, exact: false } : { value: flags.port, exact: true },
  };
};
