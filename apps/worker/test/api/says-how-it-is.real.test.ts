import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROTOCOL } from '../../src/contract/index.js';
import { codeOf, field, numberIn, startWorker, type TestWorker, textIn, VERSION } from '../support-api.js';

const pidFileOf = ({ dataDirectory }: TestWorker): unknown => JSON.parse(readFileSync(dataDirectory.pidFile, 'utf8'));

describe('open routes', () => {
  it('answer without a token, in the shapes of the contract (field failures 10, 37, 90)', async () => {
    await using worker = await startWorker();
    const open = { token: null };
    const health = await worker.call('GET', '/api/health', undefined, open);
    expect(health.status).toBe(200);
    expect(health.body).toEqual({
      status: 'ok',
      version: VERSION,
      protocol: PROTOCOL,
      pid: process.pid,
      instanceId: field(pidFileOf(worker), 'instanceId'),
      uptimeSeconds: expect.any(Number),
    });
    expect(textIn(health.body, 'instanceId')).not.toBe('');
    // Seconds, not milliseconds.
    expect(numberIn(health.body, 'uptimeSeconds')).toBeLessThan(60);

    const readiness = await worker.call('GET', '/api/readiness', undefined, open);
    expect([readiness.status, readiness.body]).toEqual([200, { status: 'ready' }]);

    const version = await worker.call('GET', '/api/version', undefined, open);
    expect([version.status, version.body]).toEqual([200, { version: VERSION, protocol: PROTOCOL }]);
  });

  it('shake hands with who knows the PID file, and with nobody else (field failure 36)', async () => {
    await using worker = await startWorker();
    const record = pidFileOf(worker);
    const client = textIn(record, 'proof', 'client');
    const proof = textIn(record, 'proof', 'worker');
    expect(statSync(worker.dataDirectory.pidFile).mode & 0o777).toBe(0o600);
    expect(numberIn(record, 'port')).toBe(worker.port);
    const shake = (given: string) => worker.call('POST', '/api/handshake', { client: given }, { token: null });
    const answer = await shake(client);
    expect([answer.status, answer.body]).toEqual([200, { worker: proof, protocol: PROTOCOL, status: 'ready' }]);
    for (const wrong of [proof, client.slice(0, -1), `${client}0`, client.toUpperCase(), worker.token]) {
      const refused = await shake(wrong);
      expect([refused.status, codeOf(refused)]).toEqual([401, 'BAD_HANDSHAKE']);
      expect(refused.text).not.toContain(proof);
    }
    expect((await worker.call('POST', '/api/handshake', { client: 7 }, { token: null })).status).toBe(422);
    expect((await worker.call('POST', '/api/handshake', {}, { token: null })).status).toBe(422);
  });
});

describe('routes', () => {
  let worker: TestWorker;
  beforeAll(async () => {
    worker = await startWorker();
  });
  afterAll(() => worker[Symbol.asyncDispose]());

  it.each([
    ['GET', '/api/admin/shutdown', 'POST'],
    ['HEAD', '/api/admin/shutdown', 'POST'],
    ['PUT', '/api/admin/shutdown', 'POST'],
    ['TRACE', '/api/admin/shutdown', 'POST'],
    ['GET', '/api/admin/restart', 'POST'],
    ['GET', '/api/handshake', 'POST'],
    ['GET', '/api/sessions/s/processes', 'POST'],
    ['GET', '/api/sessions/s/adopt', 'POST'],
    ['POST', '/api/health', 'GET'],
    ['POST', '/api/readiness', 'GET'],
    ['POST', '/api/admin/doctor', 'GET'],
    ['POST', '/api/sessions', 'GET'],
    ['POST', '/api/sessions/s', 'PUT, GET, DELETE'],
    ['DELETE', '/api/processes', 'GET'],
    ['PUT', '/api/processes/p', 'GET, DELETE'],
    ['DELETE', '/api/events', 'POST, GET'],
  ])('answer 405 to %s %s, and say what they take (field failure 88)', async (method, path, allow) => {
    const headers = { 'x-http-method-override': 'POST' };
    const answer = await worker.call(method, path, undefined, { headers });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe(allow);
    expect((await worker.call('GET', '/api/readiness')).body).toEqual({ status: 'ready' });
  });

  it('of later versions answer 404, and so does whatever else', async () => {
    for (const [method, path] of [
      ['GET', '/metrics'],
      ['GET', '/api/stream'],
      ['GET', '/api/openapi.json'],
      ['POST', '/api/processes/p/stdin?end=1'],
      ['GET', '/api/processes/p/output?follow=1'],
      ['GET', '/'],
      ['GET', '/assets/app.js'],
      ['GET', '/api'],
      ['GET', '/api/sessions/s/'],
      ['GET', '/api/health/'],
      ['GET', '/API/health'],
      ['GET', '/api/admin/../health'],
      ['POST', '/api/sessions/s/t/processes'],
    ] as const) {
      const answer = await worker.call(method, path);
      expect([answer.status, codeOf(answer)], path).toEqual([404, 'NOT_FOUND']);
    }
  });
});
