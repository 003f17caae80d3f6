import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import type { SpooledEvent } from '../../src/contract/index.js';
import { type EventLog, openEventLog } from '../../src/supervisor/event-log.js';

/** A disk that takes half of what is written, and says then that it is full. */
const disk = vi.hoisted(() => ({ full: false }));

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const append: typeof fs.appendFileSync = (path, data, options) => {
    if (!disk.full || !Buffer.isBuffer(data)) return fs.appendFileSync(path, data, options);
    fs.appendFileSync(path, data.subarray(0, data.length / 2), options);
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  };
  return { ...fs, appendFileSync: append };
});

afterEach(() => {
  disk.full = false;
});

const DAY = 24 * 60 * 60 * 1000;
const clock = { ms: 0 };
const open = (directory: string, options: { maxBytes?: number; maxAgeDays?: number } = {}): EventLog =>
  openEventLog({ directory, maxBytes: 1024 * 1024, maxAgeDays: 14, now: () => new Date(clock.ms), ...options });

const START = Date.parse('2026-01-01T12:00:00.000Z');
const event = (id: string, changes: Partial<SpooledEvent> = {}): SpooledEvent => ({
  id,
  event: 'PreToolUse',
  sessionId: 's',
  agent: 'claude-code',
  at: new Date(clock.ms).toISOString(),
  payload: { id },
  ...changes,
});
const idsOf = (log: EventLog, query: Parameters<EventLog['query']>[0] = {}): string[] =>
  log.query(query).map(({ id }) => id);
const onlyFile = (directory: string): string => join(directory, readdirSync(directory)[0] ?? '');

test('numbers go up from 1 without gaps, and go on after a restart', async () => {
  await using directory = await temporaryDirectory();
  clock.ms = START;
  const before = open(directory.path);
  expect([before.append(event('a')).seq, before.append(event('b')).seq]).toEqual([1, 2]);
  // No close: whatever returned is on record.
  const after = open(directory.path);
  expect(after.append(event('c')).seq).toBe(3);
  expect(after.query({}).map(({ seq, id }) => [seq, id])).toEqual([
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
  ]);
  expect(after.lastAt()).toBe(new Date(START).toISOString());
});

test('an event cannot bring a number of its own', async () => {
  await using directory = await temporaryDirectory();
  clock.ms = START;
  const log = open(directory.path);
  const forged = { ...event('a'), seq: 1e15 };
  expect(log.append(forged).seq).toBe(1);
  expect(log.append(event('b')).seq).toBe(2);
  expect(idsOf(open(directory.path), { after: 1 })).toEqual(['b']);
});

test('an id is known also after a restart; so is a copy within ten seconds, and what comes later is new', async () => {
  await using directory = await temporaryDirectory();
  clock.ms = START;
  const before = open(directory.path);
  before.append(event('tool-use-1'));
  before.append(event(`Stop:s@${START}`));
  const after = open(directory.path);
  expect(after.has(event('tool-use-1'))).toBe(true);
  expect(after.has(event('tool-use-2'))).toBe(false);
  expect(after.has(event(`Stop:s@${START + 9_000}`))).toBe(true);
  expect(after.has(event(`Stop:s@${START + 11_000}`))).toBe(false);
  expect(after.has(event(`Stop:other@${START}`))).toBe(false);
});

test.each([
  ['half a line', '{"seq":3,"id":"c","sess'],
  ['a line without its end', JSON.stringify({ seq: 3, ...{ id: 'c', sessionId: 's' } })],
])('%s, left by a crash, is cut; what was whole stays', async (_, tail) => {
  await using directory = await temporaryDirectory();
  clock.ms = START;
  const before = open(directory.path);
  before.append(event('a'));
  before.append(event('b'));
  const whole = statSync(onlyFile(directory.path)).size;
  appendFileSync(onlyFile(directory.path), tail);
  const after = open(directory.path);
  expect(statSync(onlyFile(directory.path)).size).toBe(whole);
  expect(idsOf(after)).toEqual(['a', 'b']);
  expect(after.append(event('c')).seq).toBe(3);
  expect(idsOf(open(directory.path))).toEqual(['a', 'b', 'c']);
});

test('a damaged line in the middle costs itself alone', async () => {
  await using directory = await temporaryDirectory();
  clock.ms = START;
  const before = open(directory.path);
  for (const id of ['a', 'b', 'c']) before.append(event(id));
  const path = onlyFile(directory.path);
  const lines = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, [lines[0], '\u0000garbage', lines[2], ''].join('\n'));
  const after = open(directory.path);
  expect(idsOf(after)).toEqual(['a', 'c']);
  expect(after.append(event('d')).seq).toBe(4);
});

test('a full disk is told, and leaves nothing half-written; the same event goes through when there is room (field failure 86, fault 14)', async () => {
  await using directory = await temporaryDirectory();
  clock.ms = START;
  const log = open(directory.path);
  log.append(event('a'));
  const before = readFileSync(onlyFile(directory.path), 'utf8');
  disk.full = true;
  expect(() => log.append(event('b'))).toThrow('ENOSPC');
  expect(readFileSync(onlyFile(directory.path), 'utf8')).toBe(before);
  expect(log.has(event('b'))).toBe(false);
  expect([idsOf(log), log.size().rows]).toEqual([['a'], 1]);
  disk.full = false;
  expect(log.append(event('b')).seq).toBe(2);
  expect(idsOf(open(directory.path))).toEqual(['a', 'b']);
});

test('a query is by number, session and count, across days, in order', async () => {
  await using directory = await temporaryDirectory();
  clock.ms = START;
  const log = open(directory.path);
  log.append(event('a'));
  log.append(event('b', { sessionId: 't' }));
  clock.ms += DAY;
  log.append(event('c', { payload: { text: 'ü\n😀' } }));
  log.append(event('d', { sessionId: 't' }));
  expect(readdirSync(directory.path).sort()).toEqual(['2026-01-01.jsonl', '2026-01-02.jsonl']);
  for (const one of [log, open(directory.path)]) {
    expect(idsOf(one)).toEqual(['a', 'b', 'c', 'd']);
    expect(idsOf(one, { after: 2 })).toEqual(['c', 'd']);
    expect(idsOf(one, { session: 't' })).toEqual(['b', 'd']);
    expect(idsOf(one, { session: 's', after: 1, limit: 1 })).toEqual(['c']);
    expect(idsOf(one, { after: 4 })).toEqual([]);
    expect(one.query({ after: 2, limit: 1 })[0]?.payload).toEqual({ text: 'ü\n😀' });
  }
});

test('one answer is bounded by bytes, but is never empty while there is more', async () => {
  await using directory = await temporaryDirectory();
  clock.ms = START;
  const log = open(directory.path, { maxBytes: 2 ** 40 });
  const big = 'x'.repeat(5 * 1024 * 1024);
  log.append(event('a', { payload: big }));
  log.append(event('b', { payload: big }));
  expect(idsOf(log)).toEqual(['a']);
  expect(idsOf(log, { after: 1 })).toEqual(['b']);
});

test('days go when they are too old, or too much together; the newest 1,000 events always stay', async () => {
  await using directory = await temporaryDirectory();
  clock.ms = START;
  const log = open(directory.path, { maxBytes: 64 * 1024, maxAgeDays: 3 });
  const fill = (day: string, count: number): void => {
    for (let n = 0; n < count; n += 1) log.append(event(`${day}-${n}`));
  };
  fill('one', 10);
  clock.ms += DAY;
  fill('two', 600);
  clock.ms += 10 * DAY;
  // Too old by far, and too much; but nothing of it may go.
  log.prune();
  expect(log.size().rows).toBe(610);
  fill('three', 999);
  log.prune();
  // Without the first day 1,599 are left; without the second only 999 would be.
  expect(readdirSync(directory.path).sort()).toEqual(['2026-01-02.jsonl', '2026-01-12.jsonl']);
  expect(log.size().rows).toBe(1_599);
  expect(log.has(event('one-0'))).toBe(false);
  fill('four', 1);
  log.prune();
  expect(readdirSync(directory.path)).toEqual(['2026-01-12.jsonl']);
  expect(log.query({}).map(({ seq }) => seq)[0]).toBe(611);
  const after = open(directory.path);
  expect([after.size().rows, after.append(event('five')).seq]).toEqual([1_000, 1_611]);
});

test('recent days within the bounds stay', async () => {
  await using directory = await temporaryDirectory();
  clock.ms = START;
  const log = open(directory.path, { maxBytes: 2 ** 40 });
  log.append(event('old'));
  clock.ms += DAY;
  for (let n = 0; n < 1_000; n += 1) log.append(event(`new-${n}`));
  log.prune();
  expect(log.size().rows).toBe(1_001);
});
