/** Ways to append a line to a file. A change has been made when its promise has resolved: then the line survives the SIGKILL of its process. */
import { openSync, promises, writeSync } from 'node:fs';
import { join } from 'node:path';
import { percentile } from '../lib/statistics.mjs';

/** The changes of one tick become one write; those that come while it is under way become the next. */
const coalesced = (write) => {
  let waiting = [];
  let busy = false;
  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await write(batch.map(({ line }) => line).join(''));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    busy = false;
  };
  return (line) =>
    new Promise((resolve, reject) => {
      waiting.push({ line, resolve, reject });
      if (busy) return;
      busy = true;
      // After everybody else of this tick.
      queueMicrotask(drain);
    });
};

const peers = {
  'write() per change': async (path) => {
    const descriptor = openSync(path, 'a');
    return (line) => void writeSync(descriptor, Buffer.from(line));
  },
  // As a control: whether it is the fewer writes that help, or the thread that makes them.
  'write() per tick': async (path) => {
    const descriptor = openSync(path, 'a');
    return coalesced(async (text) => void writeSync(descriptor, Buffer.from(text)));
  },
  'appendFile, coalesced': async (path) => coalesced((text) => promises.appendFile(path, text)),
  'FileHandle.write, coalesced': async (path) => {
    const handle = await promises.open(path, 'a');
    return coalesced((text) => handle.write(Buffer.from(text)));
  },
};

export const create = async (name) => {
  let append;
  return {
    begin: async ({ directory }) => {
      append = await peers[name](join(directory, `${name.replace(/\W+/g, '-')}.journal`));
    },
    /** So many callers, each of which waits for its change before it makes the next. */
    append: async ({ line, count, together }) => {
      const latencies = [];
      let left = count;
      const caller = async () => {
        while (left > 0) {
          left -= 1;
          const startMs = performance.now();
          await append(line);
          latencies.push(performance.now() - startMs);
        }
      };
      const before = performance.eventLoopUtilization();
      const startMs = performance.now();
      await Promise.all(Array.from({ length: together }, caller));
      const ms = performance.now() - startMs;
      const { active } = performance.eventLoopUtilization(before);
      return {
        perChangeMs: ms / count,
        loopMs: active / count,
        waitedMs: percentile(latencies, 0.5),
        waited99Ms: percentile(latencies, 0.99),
      };
    },
  };
};
