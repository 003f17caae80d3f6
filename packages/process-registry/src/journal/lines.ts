import { type Change, checksum, declaredSchema, parseJson, SCHEMA } from './format.js';

export const HEADER: string = `{"schema":${SCHEMA},"kind":"journal"}\n`;

/** Appended to what a failed write left behind when it could not be cut off: that line is known to be worthless. */
export const ABANDONED = ' #abandoned\n';

const NEWLINE = 0x0a;
const START = '{"crc":"';
const CHECKSUM_END = START.length + 8;
const BODY_START = CHECKSUM_END + '","change":'.length;

export const encodeChange = ({ sequence, key, operation }: Change): string => {
  const body = JSON.stringify(
    operation.type === 'put' ? [sequence, 'put', key, operation.value] : [sequence, 'delete', key],
  );
  return `${START}${checksum(body)}","change":${body}}\n`;
};

const decodeChange = (line: Buffer): Change | undefined => {
  const body = line.subarray(BODY_START, -1);
  if (line.toString('latin1', START.length, CHECKSUM_END) !== checksum(body)) return undefined;
  const change = parseJson(body.toString('utf8'));
  if (!Array.isArray(change)) return undefined;
  const [sequence, type, key, value]: unknown[] = change;
  if (typeof sequence !== 'number' || typeof key !== 'string') return undefined;
  if (type === 'put') return { sequence, key, operation: { type, value } };
  return type === 'delete' ? { sequence, key, operation: { type } } : undefined;
};

export interface JournalLine {
  /** With its newline. */
  readonly bytes: Buffer;
  /** `undefined`: the line is corrupt. */
  readonly change: Change | undefined;
}

export interface JournalText {
  /** Changes and corrupt lines, in order; headers and abandoned lines are left out. */
  readonly lines: readonly JournalLine[];
  /** Bytes up to the end of the last whole line. */
  readonly wholeBytes: number;
  readonly tornBytes: number;
  /** What follows the last newline without being the beginning of a line of ours. */
  readonly strayTail: Buffer | undefined;
  /** Set when a header names a schema this version does not know. */
  readonly newerSchema: number | undefined;
}

const isBeginningOf = (tail: Buffer, line: string): boolean =>
  line.startsWith(tail.toString('latin1', 0, Math.min(tail.length, line.length)));

/** Takes a journal file apart. Pure; every byte is accounted for. */
export const parseJournal = (bytes: Buffer): JournalText => {
  const lines: JournalLine[] = [];
  let newerSchema: number | undefined;
  let abandonedBytes = 0;
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    const line = bytes.subarray(start, end + 1);
    start = end + 1;
    const change = decodeChange(line.subarray(0, -1));
    if (change === undefined) {
      const text = line.toString('utf8');
      if (text === HEADER) continue;
      if (text.endsWith(ABANDONED)) {
        abandonedBytes += line.length;
        continue;
      }
      const schema = declaredSchema(text);
      if (schema !== undefined && schema > SCHEMA) newerSchema = schema;
    }
    lines.push({ bytes: line, change });
  }
  const tail = bytes.subarray(start);
  const torn = isBeginningOf(tail, START) || isBeginningOf(tail, HEADER);
  return {
    lines,
    wholeBytes: start,
    tornBytes: abandonedBytes + (torn ? tail.length : 0),
    strayTail: torn ? undefined : tail,
    newerSchema,
  };
};
