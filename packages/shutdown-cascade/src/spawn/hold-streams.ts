import type { ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';

const nobody = (): void => {};

/**
 * Keeps what a child writes until the caller has the child. When one exits, Node lets the streams run that nobody reads, and what was in
 * them is lost (`flushStdio`, lib/internal/child_process.js); a caller who has to wait for the child could not read in time. Returns how
 * to let go: from then on it is as Node has it.
 */
export const holdStreams = (child: ChildProcess, except: number): (() => void) => {
  const streams = [...child.stdio].filter(
    (stream, number): stream is NonNullable<typeof stream> & Readable =>
      stream instanceof Readable && number !== except,
  );
  // A stream that is listened to like this does not flow.
  for (const stream of streams) stream.on('readable', nobody);
  return () => {
    for (const stream of streams) stream.off('readable', nobody);
    // Whoever wants to read does so in the tick in which the child is handed over.
    setImmediate(() => {
      if (child.exitCode === null && child.signalCode === null) return;
      for (const stream of streams) {
        if (stream.readableFlowing === null && stream.listenerCount('readable') === 0) stream.resume();
      }
    });
  };
};
