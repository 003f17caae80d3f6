import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { probe } from '../src/client.js';
import { freePort, httpServer, tcpServer } from './support/local-server.js';

it('answers with code, headers and parsed JSON, on a connection of its own to 127.0.0.1', async () => {
  const asked: Pick<IncomingMessage, 'method' | 'url' | 'headers'>[] = [];
  await using server = await httpServer(({ method, url, headers }, response) => {
    asked.push({ method, url, headers });
    response.writeHead(503, { 'content-type': 'application/json', 'x-custom': 'yes' }).end('{"status":"initializing"}');
  });
  for (let round = 0; round < 2; round++) {
    expect(
      await probe({
        port: server.port,
        path: '/api/readiness?x=1',
        headers: { authorization: 'Bearer t' },
        timeoutMs: 5000,
      }),
    ).toEqual({
      status: 'answered',
      code: 503,
      body: { status: 'initializing' },
      headers: expect.objectContaining({ 'x-custom': 'yes' }),
    });
  }
  expect(server.connections()).toBe(2);
  expect(asked[0]).toMatchObject({
    method: 'GET',
    url: '/api/readiness?x=1',
    headers: { host: `127.0.0.1:${server.port}`, authorization: 'Bearer t', connection: 'close' },
  });
  expect(asked[0]?.headers).not.toHaveProperty('content-type');
});

it('sends a body as JSON with its length in bytes', async () => {
  const asked: { method: string | undefined; type: string | undefined; length: string | undefined; body: string }[] =
    [];
  await using server = await httpServer(async (request, response) => {
    const { method, headers } = request;
    asked.push({ method, type: headers['content-type'], length: headers['content-length'], body: await text(request) });
    response.end('null');
  });
  const answer = await probe({ port: server.port, path: '/', method: 'POST', body: { name: 'é' }, timeoutMs: 5000 });
  expect(answer).toMatchObject({ status: 'answered', code: 200, body: null });
  expect(asked).toEqual([{ method: 'POST', type: 'application/json', length: '13', body: '{"name":"é"}' }]);
});

it.each([
  ['nothing', ''],
  ['HTML', '<p>no</p>'],
  ['half a document', '{"a":'],
])('a body of %s is undefined', async (_, body) => {
  await using server = await httpServer((_request, response) => response.end(body));
  expect(await probe({ port: server.port, path: '/', timeoutMs: 5000 })).toMatchObject({
    status: 'answered',
    code: 200,
    body: undefined,
  });
});

it('joins characters that arrive in pieces', async () => {
  const bytes = Buffer.from(JSON.stringify('é€💡'.repeat(200)));
  await using server = await httpServer((_request, response) => {
    response.writeHead(200);
    for (const byte of bytes) response.write(Buffer.of(byte));
    response.end();
  });
  expect(await probe({ port: server.port, path: '/', timeoutMs: 5000 })).toHaveProperty('body', 'é€💡'.repeat(200));
});

it('takes an answer whose end is the end of the connection', async () => {
  await using server = await tcpServer((socket) =>
    socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n\r\n"${'x'.repeat(300_000)}"`)),
  );
  expect(await probe({ port: server.port, path: '/', timeoutMs: 5000 })).toMatchObject({
    status: 'answered',
    code: 200,
    body: 'x'.repeat(300_000),
  });
});

it('takes an early answer to a body that is never read', async () => {
  await using server = await tcpServer((socket) =>
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n\r\n{}');
    }),
  );
  const body = 'x'.repeat(20_000_000);
  expect(await probe({ port: server.port, path: '/', method: 'POST', body, timeoutMs: 5000 })).toMatchObject({
    status: 'answered',
    code: 413,
    body: {},
  });
});

it('is refused where nobody listens', async () => {
  expect(await probe({ port: await freePort(), path: '/', timeoutMs: 5000 })).toEqual({
    status: 'refused',
    reason: 'ECONNREFUSED',
  });
});

describe('fails, and never rejects, on what cannot be sent', () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  it.each([
    ['port', { port: 70_000 }],
    ['path', { path: '/a b' }],
    ['header', { headers: { 'x-bad': 'a\nb' } }],
    ['method', { method: 'G T' }],
    ['circular body', { body: circular }],
    ['number without a JSON form', { body: 1n }],
  ])('%s', async (_, wrong) => {
    const answer = await probe({ port: 1, path: '/', timeoutMs: 5000, ...wrong });
    expect(answer).toEqual({ status: 'failed', reason: expect.stringMatching(/./) });
  });
});
