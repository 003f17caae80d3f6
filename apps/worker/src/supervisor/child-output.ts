import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { STDERR_TAIL_BYTES } from '@cm/process-registry';
import { createStream } from 'rotating-file-stream';

/** Where what a child writes goes. */
export interface ChildOutput {
  take(stdout: Readable | null, stderr: Readable | null): void;
  /** The end of its standard error, for people. */
  stderrTail(): string;
}

/** The log of a row, which it keeps over its restarts. */
export const childLogOf = (logs: string, rowId: string): string => join(logs, `${rowId}.log`);

/** A child's log: bounded in total, and never the reason why a child blocks or the worker fails. */
export const openChildOutput = (logs: string, rowId: string): ChildOutput => {
  let tail = Buffer.alloc(0);
  return {
    take: (stdout, stderr) => {
      // One that is closed by now says nothing any more, its close included.
      const open = [stdout, stderr].filter((stream): stream is Readable => stream !== null && !stream.closed);
      // Only for whoever has something to write: a file that nobody closes is an error to whom collects the garbage.
      if (open.length === 0) return;
      const file = createStream(`${rowId}.log`, { path: logs, size: '1M', maxFiles: 4, mode: 0o600 });
      file.on('error', () => {
        // A full disk costs the log, not the child.
      });
      let left = open.length;
      for (const stream of open) {
        stream.on('data', (chunk: Buffer) => {
          if (stream === stderr) tail = Buffer.concat([tail, chunk]).subarray(-STDERR_TAIL_BYTES);
          file.write(chunk);
        });
        stream.on('error', () => {});
        stream.on('close', () => {
          left -= 1;
          if (left === 0) file.end();
        });
      }
    },
    stderrTail: () => tail.toString('utf8'),
  };
};
