import { type FSWatcher, lstatSync, mkdirSync, readdirSync, renameSync, statSync, unlinkSync, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BODY_LIMIT_BYTES, type DataDirectory, type SpooledEvent } from '../contract/index.js';
import { messageOf } from './errors.js';
import type { Log } from './log.js';
import { readEvent } from './read-event.js';

export interface Spool {
  start(): void;
  /** Takes what lies there now and then no more. */
  stop(): Promise<void>;
  state(): { readonly depth: number; readonly bytes: number; readonly lastError: string | null };
  /** How long hooks took from their start until their event lay here, in milliseconds; at most the last 200. */
  latencies(): readonly number[];
  /** Removes what hooks that were killed half-way left in `tmp`. */
  prune(nowMs: number): void;
}

export interface SpoolOptions {
  readonly dataDirectory: DataDirectory;
  /** Puts an event on record; throws when it cannot, and the file stays. */
  readonly take: (event: SpooledEvent) => void;
  readonly log: Log;
  /** Between two looks when the watcher says nothing; a file is on record within 1,000. */
  readonly intervalMs?: number;
}

/** What the engine throws about a value, whatever the state of the machine. */
const isFaultOfValue = (error: unknown): boolean => error instanceof RangeError || error instanceof TypeError;

const ABANDONED_MS = 60 * 60 * 1000;
const KEPT_LATENCIES = 200;
/** A character of UTF-8 has at most four bytes, and what is too long is told by its characters. */
const MOST_BYTES = 4 * BODY_LIMIT_BYTES;

/** Takes each event file once, in the order of names, which is the order of time: read, on record, removed. */
export const openSpool = ({ dataDirectory, take, log, intervalMs = 500 }: SpoolOptions): Spool => {
  const { spoolNew, spoolTmp } = dataDirectory;
  const bad = join(dataDirectory.path, 'spool', 'bad');
  const latencies: number[] = [];
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let lastError: string | null = null;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  const setAside = (name: string, reason: string): void => {
    mkdirSync(bad, { recursive: true, mode: 0o700 });
    renameSync(join(spoolNew, name), join(bad, name));
    lastError = `${name} was set aside in spool/bad: ${reason}`;
    log.warn({ file: name, reason }, 'an event file could not be understood and was set aside');
  };

  const takeOne = async (name: string): Promise<void> => {
    const path = join(spoolNew, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return;
    // Anything else would be in the way of every event behind it: a FIFO never ends, a link may lead nowhere.
    if (!stats.isFile()) return setAside(name, 'not a file');
    if (stats.size > MOST_BYTES) return setAside(name, 'larger than an event may be');
    const reading = readEvent(await readFile(path, 'utf8'));
    if (!reading.ok) return setAside(name, reading.reason);
    take(reading.event);
    unlinkSync(path);
    latencies.push(Math.max(0, stats.mtimeMs - Date.parse(reading.event.at)));
    if (latencies.length > KEPT_LATENCIES) latencies.shift();
  };

  const names = (): string[] => {
    try {
      return readdirSync(spoolNew)
        .filter((name) => name.endsWith('.json'))
        .sort();
    } catch {
      return [];
    }
  };

  const takeAll = async (): Promise<void> => {
    do {
      again = false;
      for (const name of names()) {
        try {
          await takeOne(name);
        } catch (error) {
          if (isFaultOfValue(error)) {
            // It is the event's own fault: it must not keep those behind it from being taken.
            setAside(name, messageOf(error));
            continue;
          }
          // A full disk, for instance: the file stays where it is and is tried again at the next look.
          lastError = `${name}: ${messageOf(error)}`;
          log.error({ file: name, error: messageOf(error) }, 'an event could not be put on record');
          return;
        }
      }
    } while (again);
    if (lastError !== null && !lastError.includes('set aside')) lastError = null;
  };

  const look = (): void => {
    if (running !== undefined) {
      again = true;
      return;
    }
    if (stopped) return;
    running = takeAll()
      .catch((error: unknown) => {
        lastError = messageOf(error);
      })
      .finally(() => {
        running = undefined;
      });
  };

  return {
    start: () => {
      mkdirSync(spoolNew, { recursive: true, mode: 0o700 });
      mkdirSync(spoolTmp, { recursive: true, mode: 0o700 });
      try {
        watcher = watch(spoolNew, { persistent: false }, look);
        watcher.on('error', () => watcher?.close());
      } catch {
        // No watch to be had: the interval does it alone.
      }
      timer = setInterval(look, intervalMs);
      timer.unref();
      look();
    },
    stop: async () => {
      watcher?.close();
      clearInterval(timer);
      await running;
      if (!stopped) await takeAll();
      stopped = true;
    },
    state: () => {
      const all = names();
      const bytes = all.reduce(
        (sum, name) => sum + (statSync(join(spoolNew, name), { throwIfNoEntry: false })?.size ?? 0),
        0,
      );
      return { depth: all.length, bytes, lastError };
    },
    latencies: () => latencies,
    prune: (nowMs) => {
      for (const name of readdirSync(spoolTmp)) {
        const path = join(spoolTmp, name);
        const age = nowMs - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? nowMs);
        if (age > ABANDONED_MS) unlinkSync(path);
      }
    },
  };
};
