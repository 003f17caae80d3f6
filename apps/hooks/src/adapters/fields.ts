import { SESSION_ID_MAX_BYTES } from '@cm/worker/contract';
import { hashText } from '../hash-text.js';

type Fields = Readonly<Record<string, unknown>>;

/** The members of a JSON object; of anything else, none. */
export const fieldsOf = (payload: unknown): Fields =>
  typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? { ...payload } : {};

/** A member that is a text with something in it. */
export const textField = (fields: Fields, name: string): string | undefined => {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

const digitsOf = (name: string, text: string): string | undefined =>
  new RegExp(`"${name}"\\s*:\\s*(-?\\d+)\\s*[,}]`).exec(text)?.[1];

/**
 * An id that some hosts send as a number: as text. Beyond 2^53 its digits come from the text, so that two of them do not become
 * one (R7).
 */
export const idField = (fields: Fields, name: string, text: string): string | undefined => {
  const value = fields[name];
  if (typeof value !== 'number') return textField(fields, name);
  return (Number.isSafeInteger(value) ? undefined : digitsOf(name, text)) ?? String(value);
};

/** A session id that is too long for the worker: its beginning and a hash of all of it, so that it neither vanishes nor collides. */
export const boundSessionId = (id: string): string => {
  if (Buffer.byteLength(id) <= SESSION_ID_MAX_BYTES) return id;
  const hash = `#${hashText(id)}`;
  let kept = id.slice(0, SESSION_ID_MAX_BYTES - hash.length);
  while (Buffer.byteLength(kept) + hash.length > SESSION_ID_MAX_BYTES) kept = kept.slice(0, -1);
  return kept + hash;
};

/** A pid that may be watched: a whole number from 2 up to what any system hands out. */
export const pidFrom = (value: string | number | undefined): number | undefined => {
  const pid = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  return typeof pid === 'number' && Number.isInteger(pid) && pid > 1 && pid < 2 ** 31 ? pid : undefined;
};

/** Removes what is undefined, so that "not said" has one spelling. */
export const present = <T extends object>(members: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> => {
  const said: Partial<T> = {};
  for (const name in members) {
    const value = members[name];
    if (value !== undefined) said[name] = value;
  }
  return said;
};
