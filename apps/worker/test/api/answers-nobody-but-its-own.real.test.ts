import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorker, type TestWorker, wire } from '../support-api.js';

let worker: TestWorker;
beforeAll(async () => {
  worker = await startWorker();
});
afterAll(() => worker[Symbol.asyncDispose]());

const host = (): string => `Host: 127.0.0.1:${worker.port}`;
const bearer = (): string => `Authorization: Bearer ${worker.token}`;

const errorIn = (text: string): unknown => JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));

describe('Host and Origin on the wire (fault 43, field failures 88, 89)', () => {
  it.each([
    ['a foreign host', () => ['Host: evil.com']],
    ['no host', () => []],
    ['an empty host', () => ['Host:']],
    ['two hosts, the good one first', () => [host(), 'Host: evil.com']],
    ['two hosts, the good one last', () => ['Host: evil.com', host()]],
    ['the same host twice', () => [host(), host()]],
    ['another port', () => [`Host: 127.0.0.1:${worker.port + 1}`]],
    ['no port', () => ['Host: localhost']],
    ['an open bracket', () => ['Host: [::1']],
    ['8 kB of host', () => [`Host: ${'a'.repeat(8192)}`]],
    ['X-Forwarded-Host', () => ['Host: evil.com', `X-Forwarded-Host: 127.0.0.1:${worker.port}`]],
  ])('answers 403 to %s, on open routes and OPTIONS too', async (_, headers) => {
    for (const line of ['GET /api/health', 'GET /api/sessions', 'OPTIONS /api/health', 'POST /api/admin/shutdown']) {
      const { statuses, text } = await worker.raw(wire(line, [...headers(), bearer()]));
      expect(statuses, line).toEqual([403]);
      expect(errorIn(text), line).toMatchObject({ error: { code: 'BAD_HOST' } });
      expect(text.toLowerCase(), line).not.toContain('access-control-');
    }
  });

  it('answers 403 to HTTP/1.0 without a host, 200 to one with it', async () => {
    expect((await worker.raw('GET /api/health HTTP/1.0\r\n\r\n')).statuses).toEqual([403]);
    expect((await worker.raw(`GET /api/health HTTP/1.0\r\n${host()}\r\n\r\n`)).statuses).toEqual([200]);
  });

  it.each([['http://evil.com/api/health'], ['http://127.0.0.1/api/health'], ['*']])(
    'answers 403 to the target %s',
    async (target) => {
      expect((await worker.raw(wire(`OPTIONS ${target}`, [host(), bearer()]))).statuses).toEqual([403]);
      expect((await worker.raw(wire(`GET ${target}`, [host(), bearer()]))).statuses[0]).toBeGreaterThanOrEqual(400);
    },
  );

  it.each([['null'], ['http://localhost:3000'], ['http://evil.com']])(
    'answers 403 to the origin %s',
    async (origin) => {
      for (const [method, path] of [
        ['GET', '/api/health'],
        ['GET', '/api/sessions'],
        ['OPTIONS', '/api/events'],
      ] as const) {
        expect((await worker.call(method, path, undefined, { headers: { origin } })).status, path).toBe(403);
      }
    },
  );

  it('answers 403 across sites', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const headers = { 'sec-fetch-site': site };
      expect((await worker.call('GET', '/api/health', undefined, { headers })).status, site).toBe(403);
    }
    const headers = { 'sec-fetch-site': 'same-origin', origin: `http://127.0.0.1:${worker.port}` };
    expect((await worker.call('GET', '/api/health', undefined, { headers })).status).toBe(200);
  });

  it('says nothing about access control to a preflight, of whomever', async () => {
    const headers = { 'access-control-request-method': 'POST', 'access-control-request-private-network': 'true' };
    const evil = { ...headers, origin: 'http://evil.com' };
    const own = { ...headers, origin: `http://127.0.0.1:${worker.port}` };
    // `call` sees to it that no Access-Control header is in any answer.
    expect((await worker.call('OPTIONS', '/api/events', undefined, { headers: evil })).status).toBe(403);
    expect((await worker.call('OPTIONS', '/api/events', undefined, { headers: own, token: null })).status).toBe(401);
    expect((await worker.call('OPTIONS', '/api/events', undefined, { headers: own })).status).toBe(405);
  });

  it('checks the host before it says what it thinks of an expectation', async () => {
    expect((await worker.raw(wire('GET /api/health', ['Host: evil.com', 'Expect: miracles']))).statuses).toEqual([403]);
    expect((await worker.raw(wire('GET /api/health', [host(), 'Expect: miracles']))).statuses).toEqual([200]);
  });
});

describe('the token on the wire (fault 43, field failures 88, 90)', () => {
  it.each([
    ['none', () => []],
    ['a wrong one', () => [`Authorization: Bearer ${'0'.repeat(64)}`]],
    ['a prefix', () => [`Authorization: Bearer ${worker.token.slice(0, 63)}`]],
    ['one character more', () => [`${bearer()}0`]],
    ['two headers', () => [bearer(), bearer()]],
    ['a cookie', () => [`Cookie: token=${worker.token}; authorization=${worker.token}`]],
    ['the word of a proxy', () => ['X-Forwarded-For: 127.0.0.1', 'Forwarded: for=127.0.0.1']],
  ])('answers 401 to %s on every route that is not open', async (_, headers) => {
    for (const line of [
      'GET /api/admin/doctor',
      'POST /api/admin/shutdown',
      'POST /api/admin/restart',
      `GET /api/sessions?token=${worker.token}`,
      'PUT /api/sessions/s',
      'DELETE /api/sessions/s',
      'POST /api/sessions/s/processes',
      'POST /api/sessions/s/adopt',
      'GET /api/processes',
      'POST /api/events',
      'GET /api/events',
      'GET /nothing',
    ]) {
      const { statuses, text } = await worker.raw(wire(line, [host(), ...headers()]));
      expect(statuses, line).toEqual([401]);
      expect(errorIn(text), line).toMatchObject({ error: { code: 'UNAUTHORIZED' } });
    }
    expect((await worker.call('GET', '/api/sessions')).body).toEqual({ sessions: [] });
  });
});

describe('framing (faults 43, 44)', () => {
  const json = 'Content-Type: application/json';

  it.each([
    ['both lengths', ['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['both lengths, turned round', ['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'],
    ['two lengths', ['Content-Length: 2', 'Content-Length: 3'], '{}'],
    ['a negative length', ['Content-Length: -1'], ''],
    ['an endless length', [`Content-Length: ${'9'.repeat(40)}`], ''],
    ['a length that is none', ['Content-Length: two'], '{}'],
    ['an unknown coding', ['Transfer-Encoding: xchunked'], '0\r\n\r\n'],
    ['a bad chunk size', ['Transfer-Encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n'],
    ['a header without a name', [': x'], ''],
    ['a blank before the colon', ['X : x'], ''],
  ])('answers 400 to %s, in the shape of every error', async (_, headers, body) => {
    const { statuses, text } = await worker.raw(wire('POST /api/events', [host(), bearer(), json, ...headers], body));
    expect(statuses).toEqual([400]);
    expect(errorIn(text)).toEqual({ error: { code: 'BAD_REQUEST', message: expect.stringMatching(/\S/) } });
    expect(text).toContain('x-content-type-options: nosniff');
    expect(text).toContain('cache-control: no-store');
  });

  it.each([
    ['a TLS greeting', Buffer.from('160301020001000001fc0303', 'hex')],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['words', 'hello there\r\n\r\n'],
  ])('closes on %s', async (_, bytes) => {
    const { statuses } = await worker.raw(bytes);
    expect(statuses).toEqual([400]);
  });

  it('answers 431 to 20 kB of headers', async () => {
    const { statuses, text } = await worker.raw(wire('GET /api/health', [host(), `X: ${'a'.repeat(20_000)}`]));
    expect(statuses).toEqual([431]);
    expect(errorIn(text)).toEqual({ error: { code: 'HEADERS_TOO_LARGE', message: expect.stringMatching(/\S/) } });
  });

  it('closes on CONNECT, and does not upgrade', async () => {
    expect((await worker.raw(`CONNECT evil.com:443 HTTP/1.1\r\n${host()}\r\n\r\n`)).statuses).toEqual([]);
    const upgrade = `GET /api/sessions HTTP/1.1\r\n${host()}\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n`;
    expect((await worker.raw(upgrade)).statuses).toEqual([401]);
  });

  it('answers a hundred pipelined requests in order', async () => {
    const one = `GET /api/health HTTP/1.1\r\n${host()}\r\n\r\n`;
    const { statuses } = await worker.raw(one.repeat(99) + wire('GET /api/sessions', [host()]));
    expect(statuses).toEqual([...Array<number>(99).fill(200), 401]);
  });

  it.each([['%zz'], ['%'], ['%ff'], ['%E0%A4%A'], ['a%2']])(
    'answers 400 to the path /api/sessions/%s',
    async (segment) => {
      for (const method of ['GET', 'PUT', 'DELETE'] as const) {
        const { statuses, text } = await worker.raw(wire(`${method} /api/sessions/${segment}`, [host(), bearer()]));
        expect(statuses, method).toEqual([400]);
        expect(errorIn(text), method).toMatchObject({ error: { code: 'BAD_REQUEST' } });
      }
    },
  );

  it('survives callers that vanish', async () => {
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        const socket = connect(worker.port, '127.0.0.1');
        socket.on('error', () => {});
        await once(socket, 'connect');
        socket.write(
          `POST /api/events HTTP/1.1\r\n${host()}\r\n${bearer()}\r\n${json}\r\nContent-Length: 1000\r\n\r\n{"id`,
        );
        socket.resetAndDestroy();
      }),
    );
    expect((await worker.call('GET', '/api/health')).status).toBe(200);
    expect((await worker.call('GET', '/api/events')).body).toEqual({ events: [] });
  });
});
