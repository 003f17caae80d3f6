import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { errorCode } from './error-code.js';

export type OwnFile =
  | { readonly status: 'missing' }
  /** `code` is there when it cannot be looked at or not be replaced by a rename: an errno name. */
  | { readonly status: 'refused'; readonly reason: string; readonly code?: string }
  | { readonly status: 'read'; readonly text: string };

/** More than any file of this package needs. */
const LARGEST_BYTES = 64 * 1024;

/** A symbolic link is not followed, and a FIFO without a writer does not block the open (open(2)). */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const refuse = (reason: string, code?: string): OwnFile => ({
  status: 'refused',
  reason,
  ...(code === undefined ? {} : { code }),
});

const fault = (file: Stats): OwnFile | undefined => {
  if (file.isDirectory()) return refuse('it is a directory', 'EISDIR');
  if (!file.isFile()) return refuse('it is not a regular file');
  const uid = process.getuid?.();
  if (uid !== undefined && file.uid !== uid) return refuse(`it belongs to another user (uid ${file.uid})`);
  // Without user ids (Windows) the mode is made up.
  if (uid !== undefined && (file.mode & 0o022) !== 0) return refuse('other users may write to it');
  if (file.size === 0) return refuse('it is empty');
  if (file.size > LARGEST_BYTES) return refuse(`it is too large (${file.size} bytes)`);
  return undefined;
};

const notOpened = (error: unknown): OwnFile => {
  const code = errorCode(error);
  if (code === 'ENOENT') return { status: 'missing' };
  // EMLINK is what FreeBSD answers; ENXIO is a socket or a device without a driver.
  if (code === 'ELOOP' || code === 'EMLINK') return refuse('it is a symbolic link');
  if (code === 'ENXIO') return refuse('it is not a regular file');
  return refuse(`it cannot be read (${code})`, code);
};

/** Reads a small file that only this user can have written. One open, one fstat, one read; never blocks, never throws. */
export const readOwnFile = (path: string): OwnFile => {
  let descriptor: number;
  try {
    descriptor = openSync(path, FLAGS);
  } catch (error) {
    return notOpened(error);
  }
  try {
    const file = fstatSync(descriptor);
    const refused = fault(file);
    if (refused !== undefined) return refused;
    const bytes = Buffer.allocUnsafe(file.size);
    return { status: 'read', text: bytes.toString('utf8', 0, readSync(descriptor, bytes)) };
  } catch (error) {
    return refuse(`it cannot be read (${errorCode(error)})`, errorCode(error));
  } finally {
    closeSync(descriptor);
  }
};
