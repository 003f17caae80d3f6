import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import type { RecordedEvent, SpooledEvent } from '../contract/index.js';
import { createRecentKeys } from './recent-keys.js';

export interface EventQuery {
  /** Only events with a greater `seq`. */
  readonly after?: number;
  readonly session?: string;
  readonly limit?: number;
}

export interface EventLog {
  /** Whether this event, or a copy of it within the window, is on record already. */
  has(event: SpooledEvent): boolean;
  /** Puts an event on record; durable when it returns. */
  append(event: SpooledEvent): RecordedEvent;
  query(query: EventQuery): RecordedEvent[];
  /** Removes whole days that are too old or too much, but never the newest 1,000 events. */
  prune(): void;
  size(): { readonly rows: number; readonly bytes: number };
  lastAt(): string | undefined;
}

export interface EventLogOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly maxAgeDays: number;
  readonly now: () => Date;
}

interface Entry {
  readonly seq: number;
  readonly id: string;
  readonly sessionId: string;
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

const KEPT_ROWS = 1000;
const DEFAULT_LIMIT = 5000;
/** One answer carries at most this much. */
const MOST_ANSWER_BYTES = 8 * 1024 * 1024;
const DAY_FILE = /^\d{4}-\d{2}-\d{2}\.jsonl$/;

const parse = (line: string): RecordedEvent | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'seq' in value && 'id' in value && 'sessionId' in value
      ? (value as RecordedEvent)
      : undefined;
  } catch {
    return undefined;
  }
};

/** Opens the append-only log of events by day. A torn last line, left by a crash, is cut. */
export const openEventLog = ({ directory, maxBytes, maxAgeDays, now }: EventLogOptions): EventLog => {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let entries: Entry[] = [];
  const ids = new Set<string>();
  const recent = createRecentKeys();
  const bytes = new Map<string, number>();
  let lastAt: string | undefined;
  let seq = 0;

  const remember = (event: RecordedEvent, entry: Entry): void => {
    entries.push(entry);
    ids.add(event.id);
    recent.note(event);
    seq = Math.max(seq, event.seq);
    lastAt = event.at;
  };

  const load = (file: string): void => {
    const path = join(directory, file);
    const content = readFileSync(path);
    let offset = 0;
    for (let end = content.indexOf(10); end !== -1; end = content.indexOf(10, offset)) {
      const event = parse(content.toString('utf8', offset, end));
      if (event !== undefined) {
        const { seq: at, id, sessionId } = event;
        remember(event, { seq: at, id, sessionId, file, offset, length: end - offset });
      }
      offset = end + 1;
    }
    if (offset < content.length) truncateSync(path, offset);
    bytes.set(file, offset);
  };

  const total = (): number => [...bytes.values()].reduce((sum, size) => sum + size, 0);

  const prune = (): void => {
    recent.prune(now().getTime());
    const oldest = new Date(now().getTime() - maxAgeDays * 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
    for (const file of [...bytes.keys()].sort()) {
      const within = entries.filter((entry) => entry.file === file).length;
      const expendable = entries.length - within >= KEPT_ROWS;
      if (!expendable || (file.slice(0, 10) >= oldest && total() <= maxBytes)) break;
      rmSync(join(directory, file), { force: true });
      bytes.delete(file);
      for (const entry of entries) if (entry.file === file) ids.delete(entry.id);
      entries = entries.filter((entry) => entry.file !== file);
    }
  };

  for (const file of readdirSync(directory).sort()) if (DAY_FILE.test(file)) load(file);
  recent.prune(now().getTime());

  return {
    has: (event) => ids.has(event.id) || recent.isCopy(event),
    append: (event) => {
      // Last, so that no event can bring a number of its own.
      const recorded: RecordedEvent = { ...event, seq: seq + 1 };
      const file = `${now().toISOString().slice(0, 10)}.jsonl`;
      const path = join(directory, file);
      const line = Buffer.from(`${JSON.stringify(recorded)}\n`);
      const offset = bytes.get(file) ?? 0;
      try {
        appendFileSync(path, line, { mode: 0o600 });
      } catch (error) {
        // Whatever part of the line reached the disk is taken back: nothing is half-recorded.
        if (statSync(path, { throwIfNoEntry: false }) !== undefined) truncateSync(path, offset);
        throw error;
      }
      bytes.set(file, offset + line.length);
      remember(recorded, {
        seq: recorded.seq,
        id: event.id,
        sessionId: event.sessionId,
        file,
        offset,
        length: line.length - 1,
      });
      return recorded;
    },
    query: ({ after = 0, session, limit = DEFAULT_LIMIT }) => {
      const wanted = entries.filter(
        (entry) => entry.seq > after && (session === undefined || entry.sessionId === session),
      );
      const found: RecordedEvent[] = [];
      const descriptors = new Map<string, number>();
      let answered = 0;
      try {
        for (const { file, offset, length } of wanted.slice(0, limit)) {
          answered += length;
          if (answered > MOST_ANSWER_BYTES && found.length > 0) break;
          const descriptor = descriptors.get(file) ?? openSync(join(directory, file), 'r');
          descriptors.set(file, descriptor);
          const buffer = Buffer.allocUnsafe(length);
          readSync(descriptor, buffer, 0, length, offset);
          const event = parse(buffer.toString('utf8'));
          if (event !== undefined) found.push(event);
        }
      } finally {
        for (const descriptor of descriptors.values()) closeSync(descriptor);
      }
      return found;
    },
    prune,
    size: () => ({ rows: entries.length, bytes: total() }),
    lastAt: () => lastAt,
  };
};
