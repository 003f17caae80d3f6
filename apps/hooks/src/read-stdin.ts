import { CUT_VALUE_BYTES, PAYLOAD_LIMIT_BYTES, STDIN_SILENCE_MS, STDIN_TOTAL_MS } from './budgets.js';
import { createMemberCollector } from './collect-members.js';
import { createJsonScanner } from './json-scanner.js';

export type StdinReading =
  /** One JSON value, whole. `text` is what it was read from. */
  | { readonly status: 'complete'; readonly payload: unknown; readonly text: string }
  /** Too large: the small members of the object and the beginnings of the others, or `{ raw }` when it is no object. */
  | { readonly status: 'cut'; readonly payload: Readonly<Record<string, unknown>>; readonly text: string }
  /** Not JSON, or only the beginning of it. `members` were complete; `text` is its beginning. */
  | {
      readonly status: 'broken';
      readonly ending: StdinEnding;
      readonly members: Readonly<Record<string, unknown>>;
      readonly text: string;
    }
  | { readonly status: 'empty'; readonly ending: StdinEnding };

export interface ReadStdinOptions {
  readonly limitBytes?: number;
  readonly silenceMs?: number;
  readonly totalMs?: number;
}

/** How reading ended: with a whole value, with the stream, because it fell silent, because time was up, or in an error. */
export type StdinEnding = 'complete' | 'end' | 'silence' | 'deadline' | 'error';

interface Gathered {
  readonly ending: StdinEnding;
  readonly chunks: readonly Buffer[];
  readonly oversize: boolean;
}

/**
 * Gathers until the first value is complete, the stream ends, it falls silent, or the time is up. Beyond the limit nothing is
 * kept but it reads on: a host whose write fails calls that a failed hook.
 */
const gather = (
  stream: NodeJS.ReadableStream,
  { limitBytes = PAYLOAD_LIMIT_BYTES, silenceMs = STDIN_SILENCE_MS, totalMs = STDIN_TOTAL_MS }: ReadStdinOptions,
  onExcess: (kept: readonly Buffer[], chunk: Buffer) => void,
): Promise<Gathered> =>
  new Promise((resolve) => {
    const scanner = createJsonScanner();
    const chunks: Buffer[] = [];
    let [bytes, oversize, arrivals] = [0, false, 0];

    const finish = (ending: StdinEnding): void => {
      clearTimeout(silence);
      clearTimeout(deadline);
      stream.removeListener('data', onData);
      stream.removeListener('end', onEnd);
      stream.pause();
      resolve({ ending, chunks, oversize });
    };
    const onData = (data: Buffer | string): void => {
      arrivals += 1;
      silence.refresh();
      const chunk = typeof data === 'string' ? Buffer.from(data) : data;
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
    const onEnd = (): void => finish('end');
    const onSilence = (): void => {
      // After a moment in which this process did not run, timers come before input that has long been there: look once more.
      const before = arrivals;
      setImmediate(() => setImmediate(() => arrivals === before && finish('silence')));
    };
    const silence = setTimeout(onSilence, silenceMs);
    const deadline = setTimeout(() => finish('deadline'), totalMs);
    // Stays: an error after the end of reading must not become an uncaught one.
    stream.on('error', () => finish('error'));
    stream.on('data', onData);
    stream.on('end', onEnd);
  });

const parse = (text: string): { readonly payload: unknown } | undefined => {
  try {
    return { payload: JSON.parse(text) };
  } catch {
    return undefined;
  }
};

const beginning = (text: string): string => text.slice(0, CUT_VALUE_BYTES);

/** Reads one JSON value. Never blocks, never rejects, and never waits for the end of the stream once a value is complete. */
export const readStdin = async (
  stream: NodeJS.ReadableStream,
  options: ReadStdinOptions = {},
): Promise<StdinReading> => {
  const collector = createMemberCollector();
  let head = '';
  const { ending, chunks, oversize } = await gather(stream, options, (kept, chunk) => {
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
  if (text.trim() === '') return { status: 'empty', ending };
  const parsed = parse(text);
  if (parsed !== undefined) return { status: 'complete', payload: parsed.payload, text };
  collector.push(bytes);
  return { status: 'broken', ending, members: collector.members(), text: beginning(text) };
};
