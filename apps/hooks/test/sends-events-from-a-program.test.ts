import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { sendEvent } from '../src/index.js';

test('an event sent from a program lies in the spool like one of a hook', async () => {
  await using directory = await temporaryDirectory();
  const env = { CM_DATA_DIR: directory.path };
  const at = new Date('2026-01-02T03:04:05.678Z');
  const sent = await sendEvent({
    event: 'Stop',
    sessionId: '042',
    agent: 'test',
    payload: { a: 1 },
    toolUseId: 't',
    env,
    at,
  });
  if (sent.status !== 'spooled') throw new Error(sent.reason);
  expect(sent.worker).toBeUndefined();
  expect(JSON.parse(readFileSync(sent.path, 'utf8'))).toEqual({
    id: '["042","t","Stop"]',
    event: 'Stop',
    sessionId: '042',
    agent: 'test',
    at: at.toISOString(),
    payload: { a: 1 },
  });
});

test('it never rejects: not for a payload that is no JSON, not for a directory that cannot be', async () => {
  await using directory = await temporaryDirectory();
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const event = { event: 'Stop', sessionId: '', agent: 'test', payload: circle };
  const sent = await sendEvent({ ...event, env: { CM_DATA_DIR: directory.path } });
  expect(sent).toMatchObject({ status: 'spooled', event: { sessionId: 'unknown' } });
  const nowhere = await sendEvent({ ...event, env: { CM_DATA_DIR: '/proc/none' } });
  expect(nowhere.status).toBe('unusable');
  const off = await sendEvent({ ...event, env: { CM_DATA_DIR: directory.path, CM_DISABLED: '1' } });
  expect(off.status).toBe('stays-out');
});

test('without a worker to find it only says so', async () => {
  await using directory = await temporaryDirectory();
  const search = { override: join(directory.path, 'no-worker.js'), beside: directory.path };
  const sent = await sendEvent({
    event: 'Stop',
    sessionId: 's',
    agent: 'test',
    env: { CM_DATA_DIR: directory.path },
    search,
  });
  expect(sent).toMatchObject({ status: 'spooled', worker: { status: 'failed', reason: 'no cm-worker.js was found' } });
});
