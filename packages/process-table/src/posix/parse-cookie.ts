import { COOKIE_VARIABLE } from '../cookie.js';

const ASSIGNMENT = new RegExp(`(?<=^| )${COOKIE_VARIABLE}=(.*?)(?= [A-Za-z_][A-Za-z0-9_]*=|$)`, 'gs');

/**
 * The cookie in what `ps` writes of one process with its environment, given what it writes without: the arguments come first, and
 * what they say is no environment. ps separates by blanks alone, so a value that holds one, or two values that differ, are no
 * answer.
 */
export const parseCookie = (withEnvironment: string, args: string): string | undefined => {
  if (!withEnvironment.startsWith(`${args} `)) return undefined;
  const values = new Set([...withEnvironment.slice(args.length + 1).matchAll(ASSIGNMENT)].map((match) => match[1]));
  const [value] = values;
  return values.size === 1 && value !== undefined && !/\s/.test(value) ? value : undefined;
};
