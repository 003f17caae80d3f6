import { isAbsolute } from 'node:path';
import {
  chooseDataDirectory,
  type DataDirectory,
  dataDirectoryAt,
  namesDataDirectory,
  prepareDirectory,
} from '@cm/worker/contract';
import { errorText } from './error-text.js';
import { readSmallFile } from './read-small-file.js';

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: () => string;
  readonly cwd: () => string;
}

export type Entry =
  | { readonly status: 'entered'; readonly dataDirectory: DataDirectory }
  /** Switched off, or running inside a child of this very worker. */
  | { readonly status: 'stays-out'; readonly reason: string }
  /** There is no place to put anything, and no other is tried. */
  | { readonly status: 'unusable'; readonly reason: string };

const CONFIG_LIMIT_BYTES = 1024 * 1024;

/** The config file may hold comments and trailing commas. What stands inside a text is left alone. */
const withoutComments = (text: string): string =>
  text
    .replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, '$1')
    .replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, '$1');

const isDisabledIn = (config: string | undefined): boolean => {
  if (config?.includes('"disabled"') !== true) return false;
  try {
    const value: unknown = JSON.parse(withoutComments(config.replace(/^\uFEFF/, '')));
    return typeof value === 'object' && value !== null && 'disabled' in value && value.disabled === true;
  } catch {
    return false;
  }
};

/**
 * Finds the data directory and says whether this hook has any business there. Creates it where it is missing; never uses
 * another one. Never throws.
 */
export const enterDataDirectory = ({ env, home, cwd }: Surroundings): Entry => {
  if (env.CM_DISABLED === '1') return { status: 'stays-out', reason: 'CM_DISABLED is set' };
  try {
    const wanted = env.CM_DATA_DIR;
    const isRelative = wanted !== undefined && !isAbsolute(wanted) && !wanted.startsWith('~');
    const homeDirectory = !wanted || wanted.startsWith('~') ? home() : '/';
    if (!isAbsolute(homeDirectory)) return { status: 'unusable', reason: 'there is no home directory' };
    const chosen = chooseDataDirectory({
      environment: wanted,
      home: homeDirectory,
      cwd: isRelative ? cwd() : '',
    });
    if (namesDataDirectory(env.CM_SCOPE, chosen.path)) {
      return { status: 'stays-out', reason: 'inside a child of this worker' };
    }
    if (isDisabledIn(readSmallFile(chosen.config, CONFIG_LIMIT_BYTES))) {
      return { status: 'stays-out', reason: 'disabled in config.json' };
    }
    const prepared = prepareDirectory(chosen.path);
    return prepared.ok
      ? { status: 'entered', dataDirectory: dataDirectoryAt(prepared.path) }
      : { status: 'unusable', reason: prepared.reason };
  } catch (error) {
    return { status: 'unusable', reason: errorText(error) };
  }
};
