import { randomBytes } from 'node:crypto';

const TIME_DIGITS = 9;

const timeOf = (id: string): number => Number.parseInt(id.slice(1, 1 + TIME_DIGITS), 36) || 0;

/**
 * Makes ids of the form `p` + milliseconds + random, which sort as they were made: two of one millisecond, or of a clock
 * that was set back, count on from the latest, also when that was made before a restart.
 */
export const createRowIds = (existing: Iterable<string>, now: () => number): (() => string) => {
  let latest = 0;
  for (const id of existing) latest = Math.max(latest, timeOf(id));
  return () => {
    latest = Math.max(latest + 1, now());
    return `p${latest.toString(36).padStart(TIME_DIGITS, '0')}${randomBytes(4).toString('hex')}`;
  };
};

export const createRandomCookie = (): string => randomBytes(16).toString('hex');
