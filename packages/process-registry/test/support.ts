import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createFakeClock,
  createFakeProcessTable,
  type FakeClock,
  type FakeProcessTable,
} from '@cm/process-table/testing';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import {
  openProcessRegistry,
  type ProcessRegistry,
  type ProcessRegistryOptions,
  type ProcessSpec,
} from '../src/index.js';
import {
  type Journal,
  type JournalFs,
  type JournalOptions,
  nodeJournalFs,
  openJournal,
  readJournal,
} from '../src/journal.js';

export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** So that a compaction is over when the change that made it due returns. */
export const atOnceFs: JournalFs = { ...nodeJournalFs, syncInBackground: (_descriptor, done) => done(null) };

export const openTexts = (directory: string, options: Partial<JournalOptions<string>> = {}): Promise<Journal<string>> =>
  openJournal({ directory, name: 'texts', validate: text, fs: atOnceFs, ...options });

export const readTexts = (directory: string): ReadonlyMap<string, string> =>
  readJournal({ directory, name: 'texts', validate: text }).entries;

export const journalPath = (directory: string): string => join(directory, 'texts.journal');
export const snapshotPath = (directory: string): string => join(directory, 'texts.snapshot.json');
/** What a journal without a change is. */
export const NO_CHANGES = '{"schema":1,"kind":"journal"}\n';
export const read = (path: string): string => readFileSync(path, 'utf8');
export const corruptFiles = (directory: string): string[] =>
  readdirSync(directory)
    .filter((file) => file.includes('.corrupt-'))
    .map((file) => join(directory, file));

export const errno = (code: string): Error => Object.assign(new Error(`${code}: made to fail`), { code });

/** Runs a function and returns what it threw. */
export const thrownBy = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

export interface CrashingFs {
  readonly fs: JournalFs;
  /** Whether the crash has come. */
  readonly crashed: () => boolean;
  /** Gives back what the crashed process would have held open. */
  readonly release: () => void;
}

const CHANGING: readonly string[] = ['open', 'write', 'truncate', 'sync', 'syncDirectory', 'rename', 'remove'];

/** The real file system until the n-th changing call, which is done by half or not at all; nothing works after that. */
export const crashAt = (step: number): CrashingFs => {
  let steps = 0;
  const held = new Set<number>();
  const guard =
    <A extends unknown[], R>(name: string, call: (...args: A) => R, half?: (...args: A) => void) =>
    (...args: A): R => {
      if (steps >= step) throw errno('EIO');
      if (CHANGING.includes(name)) steps += 1;
      if (steps >= step) {
        half?.(...args);
        throw errno('EIO');
      }
      return call(...args);
    };
  const real = atOnceFs;
  return {
    crashed: () => steps >= step,
    release: () => {
      for (const descriptor of held) closeSync(descriptor);
    },
    fs: {
      makeDirectory: guard('makeDirectory', real.makeDirectory),
      read: guard('read', real.read),
      sizeOf: guard('sizeOf', real.sizeOf),
      length: guard('length', real.length),
      truncate: guard('truncate', real.truncate),
      sync: guard('sync', real.sync),
      syncInBackground: guard('sync', real.syncInBackground),
      syncDirectory: guard('syncDirectory', real.syncDirectory),
      whereIs: guard('whereIs', real.whereIs),
      rename: guard('rename', real.rename),
      remove: guard('remove', real.remove),
      open: guard('open', (path, how) => {
        const descriptor = real.open(path, how);
        held.add(descriptor);
        return descriptor;
      }),
      close: guard('close', (descriptor) => {
        held.delete(descriptor);
        real.close(descriptor);
      }),
      write: guard('write', real.write, (descriptor, bytes) => {
        real.write(descriptor, bytes.subarray(0, Math.floor(bytes.length / 2)));
      }),
    },
  };
};

export const spec = (overrides: Partial<ProcessSpec> = {}): ProcessSpec => ({
  name: 'server',
  sessionId: 's1',
  type: 'mcp',
  command: 'node',
  args: ['server.js'],
  cwd: '/',
  restart: 'temporary',
  stopSignal: 'SIGTERM',
  graceMs: 5000,
  killWaitMs: 1000,
  onWorkerDeath: 'kill',
  envKeys: ['PATH'],
  ...overrides,
});

export interface OpenedRegistry extends AsyncDisposable {
  readonly registry: ProcessRegistry;
  readonly table: FakeProcessTable;
  readonly clock: FakeClock;
  readonly directory: string;
  /** Closes it and opens the next one on the same files. */
  readonly reopen: () => Promise<ProcessRegistry>;
}

/** A registry in a directory of its own, over a fake table. */
export const openRegistry = async (options: Partial<ProcessRegistryOptions> = {}): Promise<OpenedRegistry> => {
  const temporary = await temporaryDirectory();
  const directory = join(temporary.path, 'registry');
  const table = createFakeProcessTable();
  const clock = createFakeClock();
  const open = (): Promise<ProcessRegistry> =>
    openProcessRegistry({ directory, table, clock, fs: atOnceFs, ...options });
  const registry = await open();
  let latest = registry;
  return {
    registry,
    table,
    clock,
    directory,
    reopen: async () => {
      await latest.close();
      latest = await open();
      return latest;
    },
    [Symbol.asyncDispose]: async () => {
      await latest.close();
      await temporary[Symbol.asyncDispose]();
    },
  };
};

/** The real file system, on which every write fails while it is told to. */
export const fragileFs = (): { readonly fs: JournalFs; fail(failing: boolean): void } => {
  let failing = false;
  return {
    fail: (now) => {
      failing = now;
    },
    fs: {
      ...atOnceFs,
      write: (descriptor, bytes) => {
        if (failing) throw errno('ENOSPC');
        return nodeJournalFs.write(descriptor, bytes);
      },
    },
  };
};
