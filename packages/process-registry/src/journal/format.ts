import { crc32 } from 'node:zlib';

export const SCHEMA = 1;

/** A CRC-32 as it is written. */
export const showCrc = (crc: number): string => crc.toString(16).padStart(8, '0');

export const checksum = (data: string | Buffer): string => showCrc(crc32(data));

export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The schema number a text begins with: readable even in a file whose remainder this version cannot understand. */
export const declaredSchema = (text: string): number | undefined => {
  const digits = /^\s*\{\s*"schema"\s*:\s*(\d+)/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

export interface Change {
  /** Counts up by one per change, across compactions: a snapshot says up to which change it holds. */
  readonly sequence: number;
  readonly key: string;
  readonly operation: { readonly type: 'put'; readonly value: unknown } | { readonly type: 'delete' };
}
