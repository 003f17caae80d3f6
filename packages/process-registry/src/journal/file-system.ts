import {
  closeSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { errnoOf } from './errors.js';

/** The part of the file system that a journal uses. Every method but `syncInBackground` is synchronous and throws the system's own error. */
export interface JournalFs {
  /** Makes one directory with mode 0700; its parent must exist. Throws EEXIST when something is there. */
  makeDirectory(path: string): void;
  /** The whole file, or `undefined` when there is none. */
  read(path: string): Buffer | undefined;
  /** Bytes, or `undefined` when there is no such file. */
  sizeOf(path: string): number | undefined;
  /** `append`: O_APPEND. `create`, `create-append`: throws EEXIST when it exists. Created with mode 0600. */
  open(path: string, how: 'append' | 'create' | 'create-append'): number;
  /** One write; returns how many bytes were taken, which may be fewer than given. */
  write(descriptor: number, bytes: Buffer): number;
  length(descriptor: number): number;
  truncate(descriptor: number, length: number): void;
  sync(descriptor: number): void;
  /** The same, away from the event loop. */
  syncInBackground(descriptor: number, done: (error: Error | null) => void): void;
  /** Makes renames in a directory survive power loss, where the system can. */
  syncDirectory(path: string): void;
  /** Whether a path still leads to an open file: somebody may have removed it, or put another in its place. */
  whereIs(descriptor: number, path: string): 'there' | 'missing' | 'replaced';
  close(descriptor: number): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
}

const FLAGS = { append: 'a', create: 'wx', 'create-append': 'ax' } as const;

const unlessMissing = <T>(look: () => T): T | undefined => {
  try {
    return look();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
};

/** Not every system, nor every file system, lets a directory be opened or synced. */
const CANNOT_SYNC_DIRECTORIES: readonly unknown[] = ['EPERM', 'EACCES', 'EISDIR', 'EINVAL', 'ENOTSUP'];

const syncDirectory = (path: string): void => {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    fsyncSync(descriptor);
  } catch (error) {
    if (!CANNOT_SYNC_DIRECTORIES.includes(errnoOf(error))) throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
};

/**
 * By inode alone: while a file is open no other one of its file system can have its number. Devices are not compared, because Node on Windows
 * tells another one of a path than of a descriptor (libuv 1.49 and 1.50: libuv pull request 4698).
 */
const whereIs: JournalFs['whereIs'] = (descriptor, path) => {
  const there = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (there === undefined) return 'missing';
  return there.ino === fstatSync(descriptor, { bigint: true }).ino ? 'there' : 'replaced';
};

export const nodeJournalFs: JournalFs = {
  makeDirectory: (path) => mkdirSync(path, { mode: 0o700 }),
  read: (path) => unlessMissing(() => readFileSync(path)),
  sizeOf: (path) => unlessMissing(() => statSync(path).size),
  open: (path, how) => openSync(path, FLAGS[how], 0o600),
  write: (descriptor, bytes) => writeSync(descriptor, bytes),
  length: (descriptor) => fstatSync(descriptor).size,
  truncate: ftruncateSync,
  sync: fsyncSync,
  syncInBackground: fsync,
  syncDirectory,
  whereIs,
  close: closeSync,
  rename: renameSync,
  remove: unlinkSync,
};
