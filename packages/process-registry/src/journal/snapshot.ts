import { checksum, declaredSchema, parseJson, SCHEMA } from './format.js';

/**
 * One JSON document of lines: the head, one for each entry with its own checksum, and the foot, whose checksum covers all before it. It can be
 * written from front to back without being held whole, and what is whole in a damaged one can still be told.
 */
export const encodeHead = (sequence: number): string =>
  `{"schema":${SCHEMA},"kind":"snapshot","sequence":${sequence},"entries":[`;

/** The first one has nothing before it; each of the others ends the line of its predecessor. */
export const encodeEntry = (key: string, value: unknown, isFirst: boolean): string => {
  const entry = JSON.stringify([key, value]);
  return `${isFirst ? '' : ','}\n{"crc":"${checksum(entry)}","entry":${entry}}`;
};

export const encodeFootBody = (count: number): string => `\n],"count":${count},`;

/** `crc`: of everything before. */
export const encodeFoot = (crc: string): string => `"checksum":"${crc}"}\n`;

const FOOT = /^"checksum":"([0-9a-f]{8})"\}\n$/;
const FOOT_BYTES = encodeFoot('00000000').length;

export interface SnapshotEntry {
  readonly key: string;
  readonly value: unknown;
}

export type SnapshotText =
  | { readonly status: 'intact'; readonly entries: readonly SnapshotEntry[]; readonly sequence: number }
  /** `entries` are those whose own checksum holds; `lost` lines could not be read. */
  | { readonly status: 'corrupt'; readonly entries: readonly SnapshotEntry[]; readonly lost: number }
  | { readonly status: 'newer-schema'; readonly schema: number };

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const toEntry = (line: unknown): SnapshotEntry[] => {
  if (!isObject(line) || !Array.isArray(line.entry)) return [];
  const [key, value]: unknown[] = line.entry;
  return typeof key === 'string' ? [{ key, value }] : [];
};

const isShaped = (value: unknown): value is { readonly sequence: number; readonly entries: readonly unknown[] } =>
  isObject(value) && typeof value.sequence === 'number' && Array.isArray(value.entries);

const LINE = /^\{"crc":"([0-9a-f]{8})","entry":(.*)\},?$/;

const salvage = (bytes: Buffer): SnapshotText => {
  const candidates = bytes
    .toString('utf8')
    .split('\n')
    .slice(1)
    .filter((line) => line !== '' && !line.startsWith('],"count"'));
  const entries = candidates.flatMap((line) => {
    const [, crc, entry = ''] = LINE.exec(line) ?? [];
    return crc === checksum(entry) ? toEntry({ entry: parseJson(entry) }) : [];
  });
  return { status: 'corrupt', entries, lost: Math.max(1, candidates.length - entries.length) };
};

/** Takes a snapshot file apart. Pure. */
export const parseSnapshot = (bytes: Buffer): SnapshotText => {
  const schema = declaredSchema(bytes.toString('utf8', 0, 64));
  if (schema !== undefined && schema > SCHEMA) return { status: 'newer-schema', schema };
  const end = Math.max(0, bytes.length - FOOT_BYTES);
  const stated = FOOT.exec(bytes.toString('latin1', end))?.[1];
  if (stated !== checksum(bytes.subarray(0, end))) return salvage(bytes);
  const content = parseJson(bytes.toString('utf8'));
  if (schema !== SCHEMA || !isShaped(content)) return salvage(bytes);
  return { status: 'intact', entries: content.entries.flatMap(toEntry), sequence: content.sequence };
};
