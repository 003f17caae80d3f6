import { describe, expect, it } from 'vitest';
import { eventually } from '../../../../tools/testing/eventually.js';
import { startProcess } from '../../../../tools/testing/real-process.js';
import {
  codeOf,
  eventOf,
  field,
  isAlive,
  keysOf,
  listIn,
  putSession,
  spawnIn,
  startTokenOf,
  startWorker,
  textIn,
} from '../support-api.js';

const at = (id: string): string => `/api/sessions/${encodeURIComponent(id)}`;

const IDS = [
  '42',
  '042',
  '42 ',
  'a/b',
  'a%2Fb',
  '100%',
  '%',
  '..',
  '.',
  'a;b?c#d',
  'ünïcödé',
  'ünïcödé'.normalize('NFD'),
  '会话',
  '🗝️',
  ' ',
  '\0',
  '__proto__',
  'constructor',
  'toString',
  'true',
  'null',
  '6f1c2b7e-0c55-4d0f-9a1e-1f2d3c4b5a69',
  'é'.repeat(128),
  'x'.repeat(256),
] as const;

describe('session ids are opaque (R7)', () => {
  it('keeps every one as it is, and apart from all others', async () => {
    await using worker = await startWorker();
    for (const id of IDS) {
      const answer = await worker.call('PUT', at(id), { metadata: { mine: id } });
      expect([answer.status, field(answer.body, 'id')], id).toEqual([201, id]);
    }
    for (const id of IDS) {
      const { body } = await worker.call('GET', at(id));
      expect([field(body, 'id'), field(body, 'metadata', 'mine')], id).toEqual([id, id]);
    }
    const listed = listIn((await worker.call('GET', '/api/sessions')).body, 'sessions').map((one) => field(one, 'id'));
    expect(listed.sort()).toEqual([...IDS].sort());
    await worker.call('DELETE', at('42'));
    expect(field((await worker.call('GET', at('042'))).body, 'state')).toBe('active');
    await worker.call('DELETE', at('__proto__'));
    expect(field((await worker.call('GET', at('constructor'))).body, 'state')).toBe('active');
  });

  it('takes 256 bytes and not one more, however they are written', async () => {
    await using worker = await startWorker();
    for (const id of ['x'.repeat(257), `${'é'.repeat(128)}x`, '会'.repeat(86), 'x'.repeat(1025), '/'.repeat(2000)]) {
      const put = await worker.call('PUT', at(id), {});
      expect([put.status, codeOf(put)], String(id.length)).toEqual([422, 'INVALID']);
      const posted = await worker.call('POST', '/api/events', eventOf({ sessionId: id }));
      expect([posted.status, codeOf(posted)], String(id.length)).toEqual([422, 'INVALID']);
    }
    expect((await worker.call('GET', '/api/sessions?all=1')).body).toEqual({ sessions: [] });
  });

  it('answers 422 to a number, and makes no text of it', async () => {
    await using worker = await startWorker();
    for (const sessionId of [42, 0, null, true, ['42'], '']) {
      const answer = await worker.call('POST', '/api/events', eventOf({ sessionId }));
      expect([answer.status, codeOf(answer)], String(sessionId)).toEqual([422, 'INVALID']);
    }
    expect((await worker.call('GET', '/api/events')).body).toEqual({ events: [] });
    expect((await worker.call('GET', '/api/sessions')).body).toEqual({ sessions: [] });
  });
});

describe('PUT creates or refreshes', () => {
  it('takes {}: 201 first, then 200', async () => {
    await using worker = await startWorker();
    const created = await worker.call('PUT', at('s'), {});
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      id: 's',
      state: 'active',
      owner: null,
      agent: null,
      cwd: null,
      metadata: {},
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      lastSeenAt: expect.stringMatching(/^\d{4}-.*Z$/),
      endedAt: null,
      endReason: null,
      processes: 0,
    });
    const refreshed = await worker.call('PUT', at('s'), { cwd: '/tmp', metadata: { a: [1, { b: null }] } });
    expect(refreshed.status).toBe(200);
    const again = await worker.call('PUT', at('s'), {});
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({
      cwd: '/tmp',
      metadata: { a: [1, { b: null }] },
      createdAt: textIn(created.body, 'createdAt'),
    });
    expect((await worker.call('GET', at('s'))).body).toEqual(again.body);
  });

  it('notes a living owner, and answers 422 to any other', async () => {
    await using worker = await startWorker();
    await using owner = await startProcess('sleep', ['60']);
    const startToken = startTokenOf(owner.pid);
    const named = await worker.call('PUT', at('s'), { owner: { pid: owner.pid } });
    expect(field(named.body, 'owner')).toEqual({ pid: owner.pid, startToken, command: 'sleep' });
    const proven = await worker.call('PUT', at('t'), { owner: { pid: owner.pid, startToken } });
    expect([proven.status, field(proven.body, 'owner', 'pid')]).toEqual([201, owner.pid]);

    const dead = await startProcess('true');
    await dead.exit;
    for (const wrong of [
      { pid: dead.pid },
      { pid: owner.pid, startToken: `${startToken}0` },
      { pid: 0 },
      { pid: -1 },
      { pid: 2 ** 31 },
      { pid: 1.5 },
      { pid: String(owner.pid) },
      { startToken },
      {},
      null,
    ]) {
      const answer = await worker.call('PUT', at('u'), { owner: wrong });
      expect([answer.status, codeOf(answer)], JSON.stringify(wrong)).toEqual([422, 'INVALID']);
    }
    expect((await worker.call('GET', at('u'))).status).toBe(404);
  });

  it('begins anew what had ended', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's', { metadata: { first: true } });
    await worker.call('DELETE', at('s'));
    const answer = await worker.call('PUT', at('s'), {});
    expect([answer.status, field(answer.body, 'state'), field(answer.body, 'metadata')]).toEqual([201, 'active', {}]);
  });
});

it('answers 404 for sessions nobody made', async () => {
  await using worker = await startWorker();
  for (const [method, path, body] of [
    ['GET', at('none'), undefined],
    ['DELETE', at('none'), undefined],
    ['POST', `${at('none')}/processes`, { name: 'n', command: 'true' }],
    ['POST', `${at('none')}/adopt`, { name: 'n', pid: 2 ** 22 }],
  ] as const) {
    const answer = await worker.call(method, path, body);
    expect([answer.status, codeOf(answer)], path).toEqual([404, 'SESSION_NOT_FOUND']);
  }
});

it('lists active sessions, and with ?all=1 also ended ones, even after a restart', async () => {
  await using worker = await startWorker();
  await putSession(worker, 'on');
  await putSession(worker, 'off');
  const report = await worker.call('DELETE', at('off'));
  const idsAt = async (from: typeof worker, path: string): Promise<unknown[]> => {
    const { body } = await from.call('GET', path);
    expect(keysOf(body)).toEqual(['sessions']);
    return listIn(body, 'sessions').map((session) => field(session, 'id'));
  };
  for (const path of ['/api/sessions', '/api/sessions?all=0', '/api/sessions?all='])
    expect(await idsAt(worker, path)).toEqual(['on']);
  expect((await idsAt(worker, '/api/sessions?all=1')).sort()).toEqual(['off', 'on']);
  await worker.worker.stop({ reason: 'restart' });

  await using successor = await startWorker({ dataDirectory: worker.dataDirectory });
  expect(await idsAt(successor, '/api/sessions')).toEqual(['on']);
  expect((await idsAt(successor, '/api/sessions?all=1')).sort()).toEqual(['off', 'on']);
  expect((await successor.call('DELETE', at('off'))).body).toEqual(report.body);
});

it('ends a session whose owner is gone, without any hook, and what runs in it', async () => {
  await using worker = await startWorker({ settings: { ownerIntervalMs: 50 } });
  await using owner = await startProcess('sleep', ['60']);
  await putSession(worker, 's', { owner: { pid: owner.pid } });
  const { pid } = await spawnIn(worker, 's', { command: 'sleep', args: ['60'] });
  owner.child.kill('SIGKILL');
  await owner.exit;
  const ended = await eventually('the end of the session', async () => {
    const { body } = await worker.call('GET', at('s'));
    return field(body, 'state') === 'ended' && body;
  });
  expect(ended).toMatchObject({ endReason: 'owner-gone', processes: 0 });
  expect(isAlive(pid)).toBe(false);
});
