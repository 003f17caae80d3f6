import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { readPidFile } from '../src/read.js';
import { isRoot, record } from './support.js';

const whole = JSON.stringify(record());

test('a whole record is found, without the fields this version does not know', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  expect(readPidFile(path)).toEqual({ status: 'missing' });
  writeFileSync(path, JSON.stringify({ ...record(), future: true }), { mode: 0o600 });
  expect(readPidFile(path)).toEqual({ status: 'found', record: record() });
});

test.each<[string, string, (path: string) => void]>([
  ['an empty file', 'it is empty', (path) => writeFileSync(path, '')],
  [
    'a half-written one',
    'it does not hold JSON, or only the beginning of it',
    (path) => writeFileSync(path, whole.slice(0, whole.length / 2)),
  ],
  [
    'a symbolic link to a good one',
    'it is a symbolic link',
    (path) => {
      writeFileSync(`${path}.target`, whole);
      symlinkSync(`${path}.target`, path);
    },
  ],
  ['a directory', 'it is a directory', (path) => mkdirSync(path)],
  ['10 MB', 'it is too large (10485760 bytes)', (path) => writeFileSync(path, Buffer.alloc(10 * 1024 * 1024, whole))],
  [
    'one that a group may write',
    'other users may write to it',
    (path) => {
      writeFileSync(path, whole);
      chmodSync(path, 0o620);
    },
  ],
  ['a list', 'it does not hold a JSON object', (path) => writeFileSync(path, '[]')],
  ['a bare pid, as others write', 'it does not hold a JSON object', (path) => writeFileSync(path, '4242\n')],
])('fault 20: %s is invalid', async (_, reason, place) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  place(path);
  const before = readdirSync(directory.path);
  expect(readPidFile(path)).toEqual({ status: 'invalid', reason });
  expect(readdirSync(directory.path)).toEqual(before);
});

test('fault 20, field failure 36: a file of another user is invalid', async () => {
  await using directory = await temporaryDirectory();
  let path = '/etc/passwd';
  if (isRoot) {
    path = join(directory.path, 'worker.pid');
    writeFileSync(path, whole, { mode: 0o600 });
    chownSync(path, 65_534, 65_534);
  }
  const uid = isRoot ? 65_534 : 0;
  expect(readPidFile(path)).toEqual({ status: 'invalid', reason: `it belongs to another user (uid ${uid})` });
});

test('what cannot be opened is invalid, with the errno', async () => {
  await using directory = await temporaryDirectory();
  writeFileSync(join(directory.path, 'file'), '');
  const reading = readPidFile(join(directory.path, 'file', 'worker.pid'));
  expect(reading).toEqual({ status: 'invalid', reason: 'it cannot be read (ENOTDIR)' });
});

test.each([0, 1, -1, 2 ** 31, 1.5, '12abc', '4242', null, undefined, true])(
  'R20, fault 7: pid %j is invalid',
  async (pid) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'worker.pid');
    writeFileSync(path, JSON.stringify({ ...record(), pid }));
    expect(readPidFile(path)).toEqual({ status: 'invalid', reason: 'its "pid" is not the pid of a process' });
  },
);

test.each<[string, object, string]>([
  ['a newer schema', { schema: 2 }, 'a newer version wrote it (schema 2)'],
  ['no schema', { schema: undefined }, 'its "schema" is not one this version knows'],
  ['a number for a start token', { startToken: 5 }, 'its "startToken" is not a text'],
  ['no boot id', { bootId: undefined }, 'its "bootId" is not a text'],
  ['no machine id', { machineId: undefined }, 'its "machineId" is not a text'],
  ['no PID namespace', { pidNs: null }, 'its "pidNs" is not a text'],
  ['port 0', { port: 0 }, 'its "port" is not a port'],
  ['port 65536', { port: 65_536 }, 'its "port" is not a port'],
  ['no address', { address: '' }, 'its "address" is not an address'],
  ['a time that is none', { startedAt: 'soon' }, 'its "startedAt" is not a time'],
  ['no version', { version: '' }, 'its "version" is not a version'],
  ['a fractional protocol', { protocol: 1.5 }, 'its "protocol" is not a protocol number'],
  ['no data directory', { dataDir: '' }, 'its "dataDir" is not a path'],
  ['no instance id', { instanceId: '' }, 'its "instanceId" is not an id'],
  ['half a proof', { proof: { client: 'c' } }, 'its "proof" is not a pair of secrets'],
  ['no proof', { proof: null }, 'its "proof" is not a pair of secrets'],
])('%s is invalid', async (_, change, reason) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  writeFileSync(path, JSON.stringify({ ...record(), ...change }));
  expect(readPidFile(path)).toEqual({ status: 'invalid', reason });
});
