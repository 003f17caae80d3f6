import { createHmac, randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { errorCode } from './error-code.js';
import { readOwnFile } from './read-own-file.js';

const KEY_FILE = 'lock.key';

/**
 * The whole of `sun_path`. Node 20 pads a shorter abstract name with zeros and later ones do not (libuv pull request 4266):
 * two workers on two versions of Node would bind two different sockets, and both believe that they hold the lock.
 */
const NAME_BYTES = 108;

export type LockName =
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly code: string; readonly reason: string };

const failed = (code: string, reason: string): LockName => ({ ok: false, code, reason });

/** Puts a new key in place, unless another process was faster: `link` never replaces. */
const createKey = (path: string): void => {
  const temporary = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    const descriptor = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(descriptor, randomBytes(32).toString('hex'));
      // After a power loss an empty key would refuse every lock until a person removes it.
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    linkSync(temporary, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
};

const nameIn = (directory: string, lock: string): LockName => {
  const { dev, ino } = statSync(directory, { bigint: true });
  accessSync(directory, constants.W_OK | constants.X_OK);
  const keyPath = join(directory, KEY_FILE);
  let key = readOwnFile(keyPath);
  if (key.status === 'missing') {
    createKey(keyPath);
    key = readOwnFile(keyPath);
  }
  if (key.status === 'missing') return failed('ENOENT', `${keyPath} vanished`);
  if (key.status === 'refused') return failed(key.code ?? 'invalid-key', `${keyPath} cannot be used: ${key.reason}`);
  if (!/^[0-9a-f]{64}$/.test(key.text)) {
    return failed('invalid-key', `${keyPath} cannot be used: it does not hold 64 hexadecimal digits`);
  }
  const what = JSON.stringify([process.getuid?.() ?? -1, String(dev), String(ino), lock]);
  const prefix = '\0cm-lock-';
  const digest = createHmac('sha512', key.text).update(what).digest('hex');
  return { ok: true, name: prefix + digest.slice(0, NAME_BYTES - prefix.length) };
};

/**
 * The abstract socket name of a lock: keyed by user, device and inode of the directory, the lock's own name, and a secret
 * kept in the directory, so that nobody who cannot read it can take the name first. Never throws.
 */
export const lockName = (directory: string, lock: string): LockName => {
  try {
    if (!statSync(directory).isDirectory()) return failed('ENOTDIR', `${directory} is not a directory`);
    return nameIn(directory, lock);
  } catch (error) {
    return failed(errorCode(error), `${directory} cannot hold a lock: ${errorCode(error)}`);
  }
};
