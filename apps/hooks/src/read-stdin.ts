import { CUT_VALUE_BYTES, PAYLOAD_LIMIT_BYTES } from './budgets.js';
import { createMemberCollector } from './collect-members.js';
import { createJsonScanner } from './json-scanner.js';
import type { StdinSource } from './stdin-source.js';

export type StdinReading =
  /** One JSON value, whole. `text` is what it was read from. */
  | { readonly status: 'complete'; readonly payload: unknown; readonly text: string }
  /** Too large: the small members of the object and the beginnings of the others, or `{ raw }` when it is no object. */
  | { readonly status: 'cut'; readonly payload: Readonly<Record<string, unknown>>; readonly text: string }
  /** Empty, no JSON, or only its beginning. `payload` is what was complete of an object; `text` is the beginning of all of it. */
  | {
      readonly status: 'broken';
      readonly ending: StdinEnding;
      readonly payload: Readonly<Record<string, unknown>>;
      readonly text: string;
    };

export interface ReadStdinOptions {
  readonly limitBytes?: number;
  /** How long it may take. */
  readonly deadlineMs: number;
}

/** How reading ended: with a whole value, with the stream, because time was up, or in an error. */
export type StdinEnding = 'complete' | 'end' | 'deadline' | 'error';

interface Gathered {
  readonly ending: StdinEnding;
  readonly chunks: readonly Buffer[];
  readonly oversize: boolean;
}

/**
 * Gathers until the first value is complete, the stream ends, or the time is up. Beyond the limit nothing is
 * kept but it reads on: a host whose write fails calls that a failed hook.
 */
const gather = (
  source: StdinSource,
  { limitBytes = PAYLOAD_LIMIT_BYTES, deadlineMs }: ReadStdinOptions,
  onExcess: (kept: readonly Buffer[], chunk: Buffer) => void,
): Promise<Gathered> =>
  new Promise((resolve) => {
    const scanner = createJsonScanner();
    const chunks: Buffer[] = [];
    let [bytes, oversize] = [0, false];

    const finish = (ending: StdinEnding): void => {
      clearTimeout(deadline);
      stop();
      resolve({ ending, chunks, oversize });
    };
    const data = (chunk: Buffer): void => {
      const end = scanner.push(chunk);
      const part = end === undefined ? chunk : chunk.subarray(0, end);
      bytes += part.length;
      if (bytes > limitBytes) {
        onExcess(chunks, part);
        oversize = true;
        chunks.length = 0;
      } else chunks.push(part);
      if (end !== undefined) finish('complete');
    };
    const onDeadline = (): void => {
      // After a moment in which this process did not run, timers come before input that has long been there: look once more.
      setImmediate(() => setImmediate(() => finish('deadline')));
    };
    const deadline = setTimeout(onDeadline, deadlineMs);
    const stop = source({ data, end: () => finish('end'), error: () => finish('error') });
  });

const parse = (text: string): { readonly payload: unknown } | undefined => {
  try {
    return { payload: JSON.parse(text) };
  } catch {
    return undefined;
  }
};

const beginning = (text: string): string => text.slice(0, CUT_VALUE_BYTES);

/** Reads one JSON value. Never blocks, never rejects, and never waits for the end of stdin once a value is complete. */
export const readStdin = async (source: StdinSource, options: ReadStdinOptions): Promise<StdinReading> => {
  const collector = createMemberCollector();
  let head = '';
  const { ending, chunks, oversize } = await gather(source, options, (kept, chunk) => {
    for (const part of [...kept, chunk]) {
      if (head.length < CUT_VALUE_BYTES) head = beginning(head + part.toString('utf8'));
      collector.push(part);
    }
  });
  if (oversize) {
    const members = collector.members();
    return { status: 'cut', payload: Object.keys(members).length > 0 ? members : { raw: head }, text: head };
  }
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const parsed = parse(text);
  if (parsed !== undefined) return { status: 'complete', payload: parsed.payload, text };
  collector.push(bytes);
  return { status: 'broken', ending, payload: collector.members(), text: beginning(text.trim()) };
};
