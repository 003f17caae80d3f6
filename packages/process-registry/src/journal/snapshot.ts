import { checksum, declaredSchema, parseJson, SCHEMA } from './format.js';

/**
 * `{ schema, checksum, sequence, sums, entries }`: one line for the head and one for each entry. The checksum covers what
 * follows it. `sums` holds a checksum per entry, before the entries: what is whole in a damaged file can still be told.
 */
const HEAD = `{"schema":${SCHEMA},"checksum":"`;
const BODY_START = HEAD.length + 8 + '",'.length;

export const encodeSnapshot = (entries: Iterable<readonly [string, unknown]>, sequence: number): string => {
  const lines = Array.from(entries, (entry) => JSON.stringify(entry));
  const sums = JSON.stringify(lines.map(checksum));
  const body = `"sequence":${sequence},"sums":${sums},"entries":[\n${lines.join(',\n')}\n]}\n`;
  return `${HEAD}${checksum(body)}",${body}`;
};

export interface SnapshotEntry {
  readonly key: string;
  readonly value: unknown;
}

export type SnapshotText =
  | { readonly status: 'intact'; readonly entries: readonly SnapshotEntry[]; readonly sequence: number }
  /** `entries` are those whose own checksum holds; `lost` lines could not be read. */
  | { readonly status: 'corrupt'; readonly entries: readonly SnapshotEntry[]; readonly lost: number }
  | { readonly status: 'newer-schema'; readonly schema: number };

const toEntry = (entry: unknown): SnapshotEntry[] => {
  if (!Array.isArray(entry)) return [];
  const [key, value]: unknown[] = entry;
  return typeof key === 'string' ? [{ key, value }] : [];
};

const isShaped = (value: unknown): value is { readonly sequence: number; readonly entries: readonly unknown[] } =>
  typeof value === 'object' &&
  value !== null &&
  'sequence' in value &&
  typeof value.sequence === 'number' &&
  'entries' in value &&
  Array.isArray(value.entries);

const salvage = (bytes: Buffer): SnapshotText => {
  const [head = '', ...lines] = bytes.toString('utf8').split('\n');
  const sums = new Set(head.match(/"[0-9a-f]{8}"/g)?.map((quoted) => quoted.slice(1, -1)));
  const candidates = lines.map((line) => line.replace(/,$/, '')).filter((line) => line !== '' && line !== ']}');
  const entries = candidates.filter((line) => sums.has(checksum(line))).flatMap((line) => toEntry(parseJson(line)));
  return { status: 'corrupt', entries, lost: Math.max(1, candidates.length - entries.length) };
};

/** Takes a snapshot file apart. Pure. */
export const parseSnapshot = (bytes: Buffer): SnapshotText => {
  const schema = declaredSchema(bytes.toString('utf8', 0, 64));
  if (schema !== undefined && schema > SCHEMA) return { status: 'newer-schema', schema };
  const stated = bytes.toString('latin1', HEAD.length, HEAD.length + 8);
  if (stated !== checksum(bytes.subarray(BODY_START))) return salvage(bytes);
  const content = parseJson(bytes.toString('utf8'));
  if (schema !== SCHEMA || !isShaped(content)) return salvage(bytes);
  return { status: 'intact', entries: content.entries.flatMap(toEntry), sequence: content.sequence };
};
