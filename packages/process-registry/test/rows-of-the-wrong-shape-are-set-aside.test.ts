import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ProcessRecord, parseRecord } from '../src/index.js';
import { openJournal } from '../src/journal.js';
import { openRegistry, spec } from './support.js';

const identity = { pid: 1234, startToken: '1', bootId: 'b', machineId: 'm', pidNs: 'n' };
const record: ProcessRecord = {
  ...spec(),
  id: 'p1',
  cookie: 'c',
  status: 'exited',
  order: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  identity,
  pgid: 1234,
  adopted: false,
  attached: false,
  containment: 'group',
  exit: { code: null, signal: 'SIGTERM', reason: 'asked' },
  stderrTail: '',
};

describe('a record', () => {
  it('of the right shape is kept as it is', () => expect(parseRecord(record)).toBe(record));

  const bad: [string, unknown][] = [
    ['null', null],
    ['a list', []],
    ['a number', 7],
    ...[0, 1, -1, 1.5, 2 ** 31, '1234', '12abc', null].map((pid): [string, unknown] => [
      `pid ${JSON.stringify(pid)} (fault 7)`,
      { ...record, identity: { ...identity, pid } },
    ]),
    ...[0, 1, '7'].map((pgid): [string, unknown] => [`pgid ${JSON.stringify(pgid)}`, { ...record, pgid }]),
    ['running without an identity', { ...record, status: 'running', identity: undefined }],
    ...Object.keys(record)
      .filter((key) => !['identity', 'pgid', 'exit', 'stderrTail'].includes(key))
      .map((key): [string, unknown] => [`no ${key}`, { ...record, [key]: undefined }]),
    ...Object.keys(record).map((key): [string, unknown] => [`${key} {}`, { ...record, [key]: {} }]),
    ...Object.keys(identity).map((key): [string, unknown] => [
      `identity without ${key}`,
      { ...record, identity: { ...identity, [key]: undefined } },
    ]),
    ['an unknown status', { ...record, status: 'fine' }],
    ['an exit without a reason', { ...record, exit: { code: 0, signal: null } }],
    ['a negative grace', { ...record, graceMs: -1 }],
    ['a value among the keys', { ...record, envKeys: ['A=1'] }],
  ];
  it.each(bad)('with %s is refused', (_, value) => expect(parseRecord(value)).toBeUndefined());
});

it('a bad row on disk is kept aside and never becomes a target; the rest is there (S1, faults 7, 15)', async () => {
  await using opened = await openRegistry();
  await opened.registry.close();
  const raw = await openJournal<unknown>({
    directory: opened.directory,
    name: 'processes',
    validate: (value) => value,
  });
  raw.put('p0', { ...record, id: 'p0', identity: { ...identity, pid: -1 } });
  raw.put('p1', record);
  raw.close();
  const registry = await opened.reopen();
  expect(registry.getAll()).toEqual([record]);
  expect(registry.recovered).toMatchObject({ dropped: 1 });
  expect(registry.recovered.quarantined.map((path) => readFileSync(path, 'utf8'))).toEqual([
    expect.stringContaining('"pid":-1'),
  ]);
});
