import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { type Probe, probe } from '../src/client.js';
import { httpServer, type LocalServer, tcpServer } from './support/local-server.js';

const allClosed = (server: LocalServer): Promise<true> =>
  eventually('the server sees every connection closed', () => server.connections() > 0 && server.sockets.size === 0);

const ask = (server: LocalServer, timeoutMs = 5000): Promise<Probe> =>
  probe({ port: server.port, path: '/', timeoutMs });

const drip = (head: string, piece: string): ((socket: Socket) => void) => {
  return (socket) => {
    socket.write(head);
    const timer = setInterval(() => socket.write(piece), 2);
    socket.on('close', () => clearInterval(timer));
  };
};

describe('field failure 32: the whole exchange has one time limit, and the socket is destroyed', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['accepts and never answers', () => {}],
    ['drips a header for ever', drip('HTTP/1.1 200 OK\r\nx: ', 'x')],
    ['drips a body for ever', drip('HTTP/1.1 200 OK\r\n\r\n', ' ')],
    [
      'drips empty-looking chunks for ever',
      drip('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\n \r\n'),
    ],
    ['sends informational answers for ever', drip('', 'HTTP/1.1 102 Processing\r\n\r\n')],
    ['sends half a body and waits', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{')],
  ])('a server that %s', async (_, behave) => {
    await using server = await tcpServer(behave);
    const startedAt = performance.now();
    expect(await ask(server, 100)).toEqual({ status: 'timeout' });
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThanOrEqual(98);
    expect(tookMs).toBeLessThan(2000);
    await allClosed(server);
  });
});

describe('a server that breaks off', () => {
  const head = 'HTTP/1.1 200 OK\r\n';
  it.each([
    ['without a word', ''],
    ['in the status line', 'HTTP/1.1 2'],
    ['in the headers', `${head}x: y`],
    ['in a counted body', `${head}content-length: 10\r\n\r\n{}`],
    ['in a chunked body', `${head}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`],
    ['after something that is not HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    [
      'after an upgrade nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    ],
  ])('%s: failed, with a reason', async (_, answer) => {
    await using server = await tcpServer((socket) => socket.once('data', () => socket.end(answer)));
    expect(await ask(server)).toEqual({ status: 'failed', reason: expect.stringMatching(/./) });
    await allClosed(server);
  });

  it('by a reset: failed', async () => {
    await using server = await tcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await ask(server)).toEqual({ status: 'failed', reason: 'ECONNRESET' });
  });
});

it('a body beyond the limit fails, and is not read to its end', async () => {
  let written = 0;
  await using server = await httpServer((_request, response) => {
    const more = (): void => {
      while (!response.destroyed) {
        written += 65_536;
        if (!response.write(Buffer.alloc(65_536, 'x'))) break;
      }
    };
    response.on('drain', more);
    more();
  });
  expect(await probe({ port: server.port, path: '/', maxBytes: 1_000_000, timeoutMs: 10_000 })).toEqual({
    status: 'failed',
    reason: 'the answer is larger than 1000000 bytes',
  });
  await allClosed(server);
  // What is beyond the limit lay in the buffers of the two sockets.
  expect(written).toBeLessThan(100_000_000);
});

it('a body of exactly the limit is taken, one byte more is not, and the limit is 16 MiB by default', async () => {
  const limit = 16 * 1024 * 1024;
  let extra = 0;
  await using server = await httpServer((_request, response) => response.end(`"${'x'.repeat(limit - 2 + extra)}"`));
  expect((await ask(server, 20_000)).status).toBe('answered');
  extra = 1;
  expect((await ask(server, 20_000)).status).toBe('failed');
});

it('headers beyond what Node takes fail', async () => {
  await using server = await tcpServer((socket) =>
    socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(200_000)}\r\n\r\n`)),
  );
  expect(await ask(server)).toEqual({ status: 'failed', reason: 'HPE_HEADER_OVERFLOW' });
});

it('a signal ends it at once, also before it began', async () => {
  await using server = await tcpServer(() => {});
  const controller = new AbortController();
  const asked = probe({ port: server.port, path: '/', timeoutMs: 60_000, signal: controller.signal });
  await eventually('the server has the connection', () => server.sockets.size === 1);
  controller.abort();
  expect(await asked).toEqual({ status: 'failed', reason: 'aborted' });
  await allClosed(server);
  expect(await probe({ port: server.port, path: '/', timeoutMs: 60_000, signal: controller.signal })).toEqual({
    status: 'failed',
    reason: 'aborted',
  });
  expect(server.connections()).toBe(1);
});

it('leaves no listener on the signal', async () => {
  await using server = await httpServer((_request, response) => response.end('{}'));
  const { signal } = new AbortController();
  const asked = probe({ port: server.port, path: '/', timeoutMs: 60_000, signal });
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  expect((await asked).status).toBe('answered');
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
