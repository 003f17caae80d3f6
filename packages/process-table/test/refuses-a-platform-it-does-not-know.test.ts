import { expect, test } from 'vitest';
import { createProcessTable, isProcessTableError, type ProcessTable, ProcessTableError } from '../src/index.js';
import { recorded } from './fixtures/linux-table.js';

const calls: [string, (table: ProcessTable) => Promise<unknown>][] = [
  ['identify', (table) => table.identify(42)],
  ['lookup', (table) => table.lookup(recorded(42))],
  ['list', (table) => table.list()],
  ['descendants', (table) => table.descendants(recorded(42))],
  ['groupMembers', (table) => table.groupMembers(42)],
  ['findByCookie', (table) => table.findByCookie('any')],
  ['openDescriptors', (table) => table.openDescriptors(recorded(42))],
  ['commandLine', (table) => table.commandLine(recorded(42))],
  ['signal', (table) => table.signal(recorded(42), 'SIGTERM')],
  ['signalGroup', (table) => table.signalGroup(recorded(42), 'SIGTERM')],
  ['usage', (table) => table.usage([recorded(42)])],
];

test('every method of the table is called here', () => {
  expect(calls.map(([name]) => name).sort()).toEqual(Object.keys(createProcessTable({ platform: 'haiku' })).sort());
});

test.each(calls)('%s rejects with unsupported-platform, naming the platform', async (_name, call) => {
  const error = await call(createProcessTable({ platform: 'haiku' })).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isProcessTableError(error)).toBe(true);
  expect(error).toMatchObject({ code: 'unsupported-platform', message: expect.stringContaining('haiku') });
});

test('an error of another copy of this package is recognised, another error is not', () => {
  const foreignCopy = Object.assign(new Error('from the CommonJS copy'), { name: 'ProcessTableError' });
  expect(isProcessTableError(foreignCopy)).toBe(true);
  expect(isProcessTableError(new ProcessTableError('unsupported-platform', 'ours'))).toBe(true);
  expect(isProcessTableError(new Error('another'))).toBe(false);
  expect(isProcessTableError({ name: 'ProcessTableError' })).toBe(false);
});
