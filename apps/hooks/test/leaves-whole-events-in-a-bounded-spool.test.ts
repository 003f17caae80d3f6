import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { dataDirectoryAt, type SpooledEvent } from '@cm/worker/contract';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { writeSpool } from '../src/write-spool.js';

const event = (overrides: Partial<SpooledEvent> = {}): SpooledEvent => ({
  id: 'i',
  event: 'Stop',
  sessionId: 'secret/../session',
  agent: 'a',
  at: '2026-01-02T03:04:05.678Z',
  payload: {},
  ...overrides,
});

const pathOf = (writing: ReturnType<typeof writeSpool>): string => {
  if (writing.status !== 'written') throw new Error(writing.reason);
  return writing.path;
};

test('an event lies in spool/new, whole, private, named by its time and not by its session', async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = dataDirectoryAt(directory.path);
  const path = pathOf(writeSpool(dataDirectory, event()));
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(event());
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(basename(path)).toMatch(/^001767323045678-\d+-\d+\.json$/);
  expect(readdirSync(dataDirectory.spoolTmp)).toEqual([]);
});

test.each(['spoolTmp', 'spoolNew'] as const)(
  '%s alone is there, as while others make the spool: the event is not lost',
  async (there) => {
    await using directory = await temporaryDirectory();
    const dataDirectory = dataDirectoryAt(directory.path);
    mkdirSync(dataDirectory[there], { recursive: true });
    const path = pathOf(writeSpool(dataDirectory, event()));
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(event());
    expect(readdirSync(dataDirectory.spoolTmp)).toEqual([]);
  },
);

test('names sort by time', async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = dataDirectoryAt(directory.path);
  const times = ['2026-01-02T03:04:05.678Z', '1999-01-01T00:00:00.000Z', '2040-01-01T00:00:00.000Z'];
  for (const at of times) pathOf(writeSpool(dataDirectory, event({ at })));
  const found = readdirSync(dataDirectory.spoolNew).sort();
  const sorted = found.map((name) => JSON.parse(readFileSync(join(dataDirectory.spoolNew, name), 'utf8')).at);
  expect(sorted).toEqual([...times].sort());
});

test('a full spool takes nothing more, and says so', async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = dataDirectoryAt(directory.path);
  for (let count = 0; count < 3; count += 1) pathOf(writeSpool(dataDirectory, event(), { files: 3 }));
  expect(writeSpool(dataDirectory, event(), { files: 3 })).toMatchObject({ status: 'dropped', full: true });
  expect(readdirSync(dataDirectory.spoolNew)).toHaveLength(3);
  expect(readdirSync(dataDirectory.spoolTmp)).toEqual([]);
});

test('large events are bounded by their sum, and leave room for small ones', async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = dataDirectoryAt(directory.path);
  const large = event({ payload: 'x'.repeat(100_000) });
  pathOf(writeSpool(dataDirectory, large, { bytes: 150_000 }));
  expect(writeSpool(dataDirectory, large, { bytes: 150_000 })).toMatchObject({ status: 'dropped', full: true });
  pathOf(writeSpool(dataDirectory, event(), { bytes: 1 }));
});

test('an event larger than the worker reads goes without its payload', async () => {
  await using directory = await temporaryDirectory();
  const path = pathOf(writeSpool(dataDirectoryAt(directory.path), event({ payload: 'x'.repeat(6_000_000) })));
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(event({ truncated: true, payload: {} }));
});

test('a payload nested deeper than the stack does not take its event with it', async () => {
  await using directory = await temporaryDirectory();
  const depth = 100_000;
  const payload: unknown = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  const path = pathOf(writeSpool(dataDirectoryAt(directory.path), event({ payload })));
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ id: 'i', truncated: true, payload: {} });
});

test('a spool that cannot be written drops the event and leaves no part of it', async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = dataDirectoryAt(directory.path);
  pathOf(writeSpool(dataDirectory, event()));
  // The rename fails once the event has been written.
  rmSync(dataDirectory.spoolNew, { recursive: true });
  writeFileSync(dataDirectory.spoolNew, 'a file in its place');
  expect(writeSpool(dataDirectory, event())).toMatchObject({ status: 'dropped', full: false });
  expect(readdirSync(dataDirectory.spoolTmp)).toEqual([]);
});
