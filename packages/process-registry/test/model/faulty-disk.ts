import { closeSync } from 'node:fs';
import type { JournalFs } from '../../src/journal.js';
import { atOnceFs, errno } from '../support.js';

export interface FaultyDisk {
  readonly fs: JournalFs;
  /** While it is full, a write takes half of its bytes and fails, and no new file can be made. */
  setFull(full: boolean): void;
  /**
   * The n-th call from now, counted from 1, fails, and so does every later one: as in a process that was killed before that call, after it, or
   * half-way, when a write has taken half of its bytes.
   */
  crashAt(call: number, how?: 'before' | 'half' | 'after'): void;
  /** Whether that call has come. */
  hasCrashed(): boolean;
  /** Gives back what the killed one held open, and works again. */
  restart(): void;
}

/** The real file system, made to fail as disks and processes do. */
export const faultyDisk = (real: JournalFs = atOnceFs): FaultyDisk => {
  let full = false;
  let callsLeft = Number.POSITIVE_INFINITY;
  let crashes: 'before' | 'half' | 'after' = 'half';
  const held = new Set<number>();
  const half = (descriptor: number, bytes: Buffer): void =>
    void real.write(descriptor, bytes.subarray(0, Math.floor(bytes.length / 2)));

  const guard =
    <A extends unknown[], R>(call: (...args: A) => R, partly?: (...args: A) => void) =>
    (...args: A): R => {
      callsLeft -= 1;
      if (callsLeft === 0 && crashes === 'half') partly?.(...args);
      if (callsLeft === 0 && crashes === 'after') call(...args);
      if (callsLeft <= 0) throw errno('EIO');
      return call(...args);
    };

  return {
    setFull: (now) => {
      full = now;
    },
    crashAt: (call, how = 'half') => {
      callsLeft = call;
      crashes = how;
    },
    hasCrashed: () => callsLeft <= 0,
    restart: () => {
      callsLeft = Number.POSITIVE_INFINITY;
      for (const descriptor of held) closeSync(descriptor);
      held.clear();
    },
    fs: {
      makeDirectory: guard(real.makeDirectory),
      read: guard(real.read),
      sizeOf: guard(real.sizeOf),
      length: guard(real.length),
      truncate: guard(real.truncate),
      sync: guard(real.sync),
      syncInBackground: guard(real.syncInBackground),
      syncDirectory: guard(real.syncDirectory),
      whereIs: guard(real.whereIs),
      rename: guard(real.rename),
      remove: guard(real.remove),
      open: guard((path, how) => {
        if (full && real.sizeOf(path) === undefined) throw errno('ENOSPC');
        const descriptor = real.open(path, how);
        held.add(descriptor);
        return descriptor;
      }),
      close: guard((descriptor) => {
        held.delete(descriptor);
        real.close(descriptor);
      }),
      write: guard((descriptor, bytes) => {
        if (!full) return real.write(descriptor, bytes);
        half(descriptor, bytes);
        throw errno('ENOSPC');
      }, half),
    },
  };
};
