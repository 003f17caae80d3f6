import { createProcessTable, type ProcessIdentity } from '@cm/process-table';
import { expect, test } from 'vitest';
import { peek } from '../src/read.js';
import { record } from './support.js';

const self = async (): Promise<ProcessIdentity> => {
  const found = await createProcessTable().identify(process.pid);
  if (found.status !== 'alive') throw new Error(found.reason);
  return found.process.identity;
};

/** Above the largest pid_max Linux allows (2^22). */
const NOBODY = 2 ** 22 + 1;

test('the process that wrote it is alive', async () => {
  expect(peek(record(await self()))).toBe('alive');
});

test('a pid that is gone, or that another process has by now, is dead', async () => {
  const identity = await self();
  expect(peek(record({ ...identity, pid: NOBODY }))).toBe('dead');
  expect(peek(record({ ...identity, startToken: `${identity.startToken}0` }))).toBe('dead');
});

test('a record of an earlier boot of this machine is dead, and unknown where the machine has no id', async () => {
  const identity = { ...(await self()), pid: NOBODY, bootId: 'an earlier one' };
  expect(peek(record(identity))).toBe(identity.machineId === '' ? 'unknown' : 'dead');
  expect(peek(record({ ...identity, machineId: '' }))).toBe('unknown');
});

test.each<[string, Partial<ProcessIdentity>]>([
  ['another machine', { machineId: 'another' }],
  ['another PID namespace', { pidNs: 'pid:[1]' }],
  ['no known PID namespace', { pidNs: '' }],
  ['no known boot', { bootId: '' }],
])('field failure 2: absence here proves nothing for a record of %s', async (_, change) => {
  expect(peek(record({ ...(await self()), pid: NOBODY, ...change }))).toBe('unknown');
});

test('a record without a start token, and any other platform, is unknown', async () => {
  const identity = await self();
  expect(peek(record({ ...identity, startToken: '' }))).toBe('unknown');
  expect(peek(record(identity), 'darwin')).toBe('unknown');
});
