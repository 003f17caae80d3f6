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
  const file = createStream(`${rowId}.log`, { path: logs, size: '1M', maxFiles: 4, mode: 0o600 });
  file.on('error', () => {
    // A full disk costs the log, not the child.
  });
  let tail = Buffer.alloc(0);
  let open = 0;
  const follow = (stream: Readable | null, note: (chunk: Buffer) => void): void => {
    if (stream === null) return;
    open += 1;
    stream.on('data', (chunk: Buffer) => {
      note(chunk);
      file.write(chunk);
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      open -= 1;
      if (open === 0) file.end();
    });
  };
  return {
    take: (stdout, stderr) => {
      follow(stdout, () => {});
      follow(stderr, (chunk) => {
        tail = Buffer.concat([tail, chunk]).subarray(-STDERR_TAIL_BYTES);
      });
    },
    stderrTail: () => tail.toString('utf8'),
  };
};
