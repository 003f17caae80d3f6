import { readFileSync } from 'node:fs';
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { CONTAINMENTS, LOG_LEVELS, type Settings, SettingsError } from './settings.js';

/** The keys of `config.json`: those of {@link Settings}, with the port as a number. */
export type Config = Partial<Omit<Settings, 'port'>> & { readonly port?: number };

export interface Rule {
  readonly accepts: (value: unknown) => boolean;
  readonly expected: string;
}

const oneOf = (values: readonly string[]): Rule => ({
  accepts: (value) => typeof value === 'string' && values.includes(value),
  expected: `one of ${values.join(', ')}`,
});
const between = (least: number, most: number): Rule => ({
  accepts: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  expected: `a whole number from ${least} to ${most}`,
});
const boolean: Rule = { accepts: (value) => typeof value === 'boolean', expected: 'true or false' };
const milliseconds = between(1, 24 * 60 * 60 * 1000);

export const portRule: Rule = between(1, 65_535);

const RULES: Readonly<Record<keyof Config, Rule>> = {
  port: portRule,
  containment: oneOf(CONTAINMENTS),
  logLevel: oneOf(LOG_LEVELS),
  disabled: boolean,
  sweepIntervalMs: milliseconds,
  ownerIntervalMs: milliseconds,
  childrenStopMs: milliseconds,
  httpStopMs: milliseconds,
  eventsMaxBytes: between(64 * 1024, 2 ** 40),
  eventsMaxAgeDays: between(1, 3650),
  maxProcesses: between(0, 100_000),
  restartBackoffMs: milliseconds,
  restartBackoffMaxMs: milliseconds,
  restartIntensity: between(1, 1_000),
  restartPeriodMs: milliseconds,
  guardian: boolean,
};

const isKey = (key: string): key is keyof Config => Object.hasOwn(RULES, key);

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

/** Checks the text of a `config.json`. Pure. @throws SettingsError naming the key and its line. */
export const parseConfig = (text: string, path: string): Config => {
  const fail = (offset: number, message: string): never => {
    throw new SettingsError(`${path}, line ${lineAt(text, offset)}: ${message}`);
  };
  const errors: ParseError[] = [];
  const root: Node | undefined = parseTree(text, errors, { disallowComments: true });
  const [first] = errors;
  if (first !== undefined) fail(first.offset, `not JSON (${printParseErrorCode(first.error)})`);
  if (root?.type !== 'object') return fail(root?.offset ?? 0, 'a JSON object is expected');
  const config: Record<string, unknown> = {};
  for (const property of root.children ?? []) {
    const [name, value] = property.children ?? [];
    if (name === undefined || value === undefined) continue;
    const key = String(name.value);
    if (!isKey(key)) {
      return fail(name.offset, `unknown key "${key}"; known are ${Object.keys(RULES).join(', ')}`);
    }
    const rule = RULES[key];
    if (!rule.accepts(value.value)) fail(value.offset, `"${key}" must be ${rule.expected}`);
    config[key] = value.value;
  }
  return config;
};

/**
 * Reads `config.json`; without one, everything is as it is by default.
 *
 * @throws SettingsError for what is in it; a plain error when it cannot be read, which no other content would mend.
 */
export const readConfig = (path: string): Config => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return {};
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} cannot be read: ${reason}`, { cause: error });
  }
  return parseConfig(text, path);
};
