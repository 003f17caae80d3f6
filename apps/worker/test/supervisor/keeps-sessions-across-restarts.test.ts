import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import type { StopReport } from '../../src/contract/index.js';
import { openSessionStore } from '../../src/supervisor/session-store.js';

const HOUR = 60 * 60 * 1000;
const REPORT: StopReport = {
  ok: true,
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 1,
  targets: [],
  survivors: [],
  escaped: [],
};

const clockAt = (start: string): { now: () => Date; pass: (ms: number) => void } => {
  let ms = Date.parse(start);
  return {
    now: () => new Date(ms),
    pass: (more) => {
      ms += more;
    },
  };
};

test('a session is created once, then refreshed; what is not given stays', async () => {
  await using directory = await temporaryDirectory();
  const { now, pass } = clockAt('2026-01-01T00:00:00.000Z');
  const store = await openSessionStore(directory.path, now);
  const first = store.open('s', { agent: 'claude-code', metadata: { a: 1 } });
  expect(first).toMatchObject({
    created: true,
    session: { state: 'active', createdAt: now().toISOString(), cwd: null },
  });
  pass(1000);
  const second = store.open('s', { cwd: '/work' });
  expect(second).toMatchObject({
    created: false,
    session: {
      agent: 'claude-code',
      metadata: { a: 1 },
      cwd: '/work',
      createdAt: '2026-01-01T00:00:00.000Z',
      lastSeenAt: '2026-01-01T00:00:01.000Z',
    },
  });
  store.close();
});

test('what a killed worker knew, the next one knows: also that an end had begun', async () => {
  await using directory = await temporaryDirectory();
  const { now } = clockAt('2026-01-01T00:00:00.000Z');
  const before = await openSessionStore(directory.path, now);
  before.open('active', { metadata: { deep: { er: [1] } } });
  before.open('ending', {});
  before.markEnding('ending', 'hook');
  before.open('ended', {});
  before.markEnding('ended', 'api');
  before.markEnded('ended', REPORT);
  // Not closed: as after a SIGKILL.
  const after = await openSessionStore(directory.path, now);
  expect(after.list().map(({ id, state }) => [id, state])).toEqual([
    ['active', 'active'],
    ['ending', 'ending'],
  ]);
  expect(after.get('active')?.metadata).toEqual({ deep: { er: [1] } });
  expect(after.get('ending')?.endReason).toBe('hook');
  expect(after.get('ended')).toMatchObject({ state: 'ended', endReason: 'api', report: REPORT });
  before.close();
  after.close();
});

test('ended ones are listed for 24 hours, then forgotten', async () => {
  await using directory = await temporaryDirectory();
  const { now, pass } = clockAt('2026-01-01T00:00:00.000Z');
  const store = await openSessionStore(directory.path, now);
  store.open('s', {});
  store.markEnding('s', 'api');
  store.markEnded('s', REPORT);
  const ids = (all?: boolean): string[] => store.list(all).map(({ id }) => id);
  expect([ids(), ids(true)]).toEqual([[], ['s']]);
  pass(24 * HOUR);
  store.prune();
  expect(ids(true)).toEqual(['s']);
  pass(1);
  expect(ids(true)).toEqual([]);
  expect(store.get('s')).toBeDefined();
  store.prune();
  expect(store.get('s')).toBeUndefined();
  store.close();
});

test('an ended session that is opened again begins anew', async () => {
  await using directory = await temporaryDirectory();
  const { now, pass } = clockAt('2026-01-01T00:00:00.000Z');
  const store = await openSessionStore(directory.path, now);
  store.open('s', { agent: 'a', cwd: '/old', metadata: { old: true } });
  store.markEnding('s', 'hook');
  store.markEnded('s', REPORT);
  pass(1000);
  expect(store.open('s', {})).toEqual({
    created: true,
    session: {
      id: 's',
      state: 'active',
      owner: null,
      agent: null,
      cwd: null,
      metadata: {},
      createdAt: '2026-01-01T00:00:01.000Z',
      lastSeenAt: '2026-01-01T00:00:01.000Z',
      endedAt: null,
      endReason: null,
      report: null,
    },
  });
  store.close();
});

test('ids are opaque text of 1 to 256 bytes, and none is another (R7)', async () => {
  await using directory = await temporaryDirectory();
  const { now } = clockAt('2026-01-01T00:00:00.000Z');
  const store = await openSessionStore(directory.path, now);
  const ids = ['42', '042', ' 42', '__proto__', 'constructor', '../../etc', 'ü'.repeat(128), '\u0000'];
  for (const id of ids) store.open(id, { metadata: { id } });
  for (const id of ids) expect(store.get(id)?.metadata).toEqual({ id });
  store.close();
  const again = await openSessionStore(directory.path, now);
  expect(again.list().map(({ id }) => id)).toEqual(ids);
  for (const bad of ['', 'x'.repeat(257), 'ü'.repeat(129)]) {
    expect(() => again.open(bad, {})).toThrow(expect.objectContaining({ code: 'INVALID' }));
  }
  again.close();
});

test('that something of it was seen is worth no write, and an unknown session is not created by it', async () => {
  await using directory = await temporaryDirectory();
  const { now, pass } = clockAt('2026-01-01T00:00:00.000Z');
  const store = await openSessionStore(directory.path, now);
  store.open('s', {});
  pass(5000);
  store.seen('s');
  store.seen('nobody');
  expect(store.get('s')?.lastSeenAt).toBe('2026-01-01T00:00:05.000Z');
  expect(store.get('nobody')).toBeUndefined();
  const again = await openSessionStore(directory.path, now);
  expect(again.get('s')?.lastSeenAt).toBe('2026-01-01T00:00:00.000Z');
  store.close();
  again.close();
});
