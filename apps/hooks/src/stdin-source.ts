import { constants, fstatSync, openSync, readSync } from 'node:fs';
import { hasCode } from './error-text.js';

export interface StdinSink {
  data(chunk: Buffer): void;
  end(): void;
  error(): void;
}

/** Begins to read, is heard first in a later turn of the loop, and returns how to stop it. */
export type StdinSource = (sink: StdinSink) => () => void;

/** Any readable stream. `process.stdin` loads what sockets need, which is the larger part of what a hook costs beyond Node. */
export const fromStream =
  (stream: NodeJS.ReadableStream): StdinSource =>
  (sink) => {
    const onData = (chunk: Buffer | string): void => sink.data(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    // Stays: an error after the end of reading must not become an uncaught one.
    stream.on('error', sink.error);
    stream.on('end', sink.end);
    stream.on('data', onData);
    return () => {
      stream.removeListener('data', onData);
      stream.removeListener('end', sink.end);
      stream.pause();
    };
  };

const CHUNK_BYTES = 64 * 1024;
const POLL_MS = 2;

/** Reads what is there, one chunk in each turn of the loop, so that timers run; asks again in a moment where nothing is. */
const poll =
  (descriptor: number): StdinSource =>
  (sink) => {
    let stopped = false;
    const look = (): void => {
      if (stopped) return;
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      try {
        const bytes = readSync(descriptor, chunk);
        if (bytes === 0) sink.end();
        else sink.data(chunk.subarray(0, bytes));
        setImmediate(look);
      } catch (error) {
        if (hasCode(error, 'EAGAIN')) setTimeout(look, POLL_MS);
        else sink.error();
      }
    };
    setImmediate(look);
    return () => {
      stopped = true;
    };
  };

/**
 * A descriptor where it is a pipe and can be opened a second time, without blocking, through Linux's `/proc`. The open file of the host
 * itself must not be made non-blocking: others share it. A socket, which Node gives its
 * children, cannot be opened (ENXIO).
 */
export const fromPipe = (descriptor: number): StdinSource | undefined => {
  try {
    if (!fstatSync(descriptor).isFIFO()) return undefined;
    return poll(openSync(`/proc/self/fd/${descriptor}`, constants.O_RDONLY | constants.O_NONBLOCK));
  } catch {
    return undefined;
  }
};
