import { expect, test } from 'vitest';
import { BODY_LIMIT_BYTES } from '../../src/contract/index.js';
import { readEvent } from '../../src/supervisor/read-event.js';

const EVENT = {
  id: 'id',
  event: 'PreToolUse',
  sessionId: '042',
  agent: 'claude-code',
  at: '2026-01-01T00:00:00.000Z',
  ownerPid: 42,
  ownerStartToken: '7',
  payload: { any: ['thing', null] },
};

test('an event comes back as it was written', () => {
  expect(readEvent(JSON.stringify(EVENT))).toEqual({ ok: true, event: EVENT });
});

test.each([
  ['half an event', '{"id":"id","event":', 'not JSON'],
  ['nothing', '', 'not JSON'],
  ['two documents', '{}{}', 'not JSON'],
  ['null', 'null', 'not an object'],
  ['a text', '"event"', 'not an object'],
  ['a list', '[]', 'id is not'],
])('%s is none', (_, content, reason) => {
  expect(readEvent(content)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
});

test.each([
  ['id', ''],
  ['id', 7],
  ['id', 'x'.repeat(1025)],
  ['event', null],
  ['event', 'ü'.repeat(129)],
  ['sessionId', 42],
  ['sessionId', 'x'.repeat(257)],
  ['agent', {}],
  ['at', 'yesterday'],
  ['at', 1767225600],
  ['ownerPid', '42'],
  ['ownerPid', 1.5],
  ['ownerStartToken', 7],
])('one whose %s is %j is refused, by name (R7)', (key, value) => {
  const reading = readEvent(JSON.stringify({ ...EVENT, [key]: value }));
  expect(reading).toEqual({ ok: false, reason: expect.stringMatching(new RegExp(`^${key} is not`)) });
});

test('one that is larger than any body is not even parsed', () => {
  const content = JSON.stringify({ ...EVENT, payload: 'x'.repeat(BODY_LIMIT_BYTES) });
  expect(readEvent(content)).toEqual({ ok: false, reason: 'larger than an event may be' });
});
