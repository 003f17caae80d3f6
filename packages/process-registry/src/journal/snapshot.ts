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

const toEntry = (entry: unknown): SnapshotEntry[] => {
  if (!Array.isArray(entry)) return [];
  const [key, value]: unknown[] = entry;
  return typeof key === 'string' ? [{ key, value }] : [];
};

const HEAD = /^\{"schema":\d+,"kind":"snapshot","sequence":(\d+),"entries":\[$/;
/** JSON leaves U+2028 and U+2029 as they are, which a dot does not match without the flag. */
const LINE = /^\{"crc":"([0-9a-f]{8})","entry":(.*)\},?$/s;
const NEWLINE = 0x0a;

/** Line by line: as one text it might be longer than any string can be. */
function* linesOf(bytes: Buffer): Generator<string> {
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    yield bytes.toString('utf8', start, end);
    start = end + 1;
  }
}

interface Body {
  readonly entries: readonly SnapshotEntry[];
  /** Lines that could not be used. */
  readonly lost: number;
}

const readBody = (lines: Iterable<string>): Body => {
  const entries: SnapshotEntry[] = [];
  let lost = 0;
  for (const line of lines) {
    if (line === '' || line.startsWith('],"count"')) continue;
    const [, crc, entry = ''] = LINE.exec(line) ?? [];
    const found = crc === checksum(entry) ? toEntry(parseJson(entry)) : [];
    if (found.length === 0) lost += 1;
    entries.push(...found);
  }
  return { entries, lost };
};

const sequenceIn = (head: string): number | undefined => {
  const digits = HEAD.exec(head)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

/** Takes a snapshot file apart. Pure. */
export const parseSnapshot = (bytes: Buffer): SnapshotText => {
  const schema = declaredSchema(bytes.toString('utf8', 0, 64));
  if (schema !== undefined && schema > SCHEMA) return { status: 'newer-schema', schema };
  const end = Math.max(0, bytes.length - FOOT_BYTES);
  const stated = FOOT.exec(bytes.toString('latin1', end))?.[1];
  const lines = linesOf(bytes);
  const sequence = sequenceIn(lines.next().value ?? '');
  const { entries, lost } = readBody(lines);
  const isIntact = stated === checksum(bytes.subarray(0, end)) && schema === SCHEMA && lost === 0;
  return isIntact && sequence !== undefined
    ? { status: 'intact', entries, sequence }
    : { status: 'corrupt', entries, lost: Math.max(1, lost) };
};
