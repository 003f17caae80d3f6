import { describe, expect, it } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { probe, waitUntilReady } from '../src/client.js';
import { freePort, httpServer, tcpServer } from './support/local-server.js';

it('field failure 92: goes on through 503 until 200 ready', async () => {
  const asked: (string | undefined)[] = [];
  await using server = await httpServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`);
    const ready = asked.length === 4;
    response.writeHead(ready ? 200 : 503).end(JSON.stringify({ status: ready ? 'ready' : 'initializing' }));
  });
  expect(await waitUntilReady({ port: server.port, deadlineMs: 10_000 })).toBe('ready');
  expect(asked).toEqual(Array.from({ length: 4 }, () => 'GET /api/readiness'));
});

it('sees a server that begins to listen later', async () => {
  const port = await freePort();
  const waiting = waitUntilReady({ port, deadlineMs: 10_000 });
  // Asked after the first question of the wait, so that one was refused as well.
  expect(await probe({ port, path: '/', timeoutMs: 5000 })).toMatchObject({ status: 'refused' });
  await using _ = await httpServer((_request, response) => response.end('{"status":"ready"}'), port);
  expect(await waiting).toBe('ready');
});

describe('what is not ready', () => {
  it.each<[string, number, string]>([
    ['200 with another status', 200, '{"status":"ok"}'],
    ['200 without JSON, as any web server gives', 200, 'ready'],
    ['200 with null', 200, 'null'],
    ['503 that says ready', 503, '{"status":"ready"}'],
    ['404', 404, '{}'],
  ])('%s', async (_, code, body) => {
    await using server = await httpServer((_request, response) => response.writeHead(code).end(body));
    expect(await waitUntilReady({ port: server.port, deadlineMs: 60 })).toBe('deadline');
    expect(server.connections()).toBeGreaterThan(1);
  });
});

it('keeps its deadline where nobody listens', async () => {
  const startedAt = performance.now();
  expect(await waitUntilReady({ port: await freePort(), deadlineMs: 100 })).toBe('deadline');
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(98);
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

it('fault 23: keeps its deadline against a server that never answers, however long one question may take', async () => {
  await using server = await tcpServer(() => {});
  const startedAt = performance.now();
  expect(await waitUntilReady({ port: server.port, deadlineMs: 100, timeoutMs: 60_000 })).toBe('deadline');
  expect(performance.now() - startedAt).toBeLessThan(2000);
  await eventually('the connection is closed', () => server.sockets.size === 0);
});

it('asks again when one question was not answered in its time', async () => {
  let asked = 0;
  await using server = await httpServer((_request, response) => {
    if (++asked > 1) response.end('{"status":"ready"}');
  });
  expect(await waitUntilReady({ port: server.port, deadlineMs: 20_000, timeoutMs: 50 })).toBe('ready');
  expect(asked).toBe(2);
});

it('pauses between questions: far fewer than as many as possible', async () => {
  await using server = await httpServer((_request, response) => response.writeHead(503).end('{}'));
  await waitUntilReady({ port: server.port, deadlineMs: 400 });
  // 5 + 10 + 20 + 40 ms, then every 50 ms: at most 12 questions fit.
  expect(server.connections()).toBeGreaterThan(2);
  expect(server.connections()).toBeLessThanOrEqual(12);
});

it.each([0, -1, Number.NaN])('asks nothing with a deadline of %d ms', async (deadlineMs) => {
  await using server = await httpServer((_request, response) => response.end('{"status":"ready"}'));
  expect(await waitUntilReady({ port: server.port, deadlineMs })).toBe('deadline');
  expect(server.connections()).toBe(0);
});

describe('a signal ends the wait at once', () => {
  it('before it began', async () => {
    await using server = await httpServer((_request, response) => response.end('{"status":"ready"}'));
    expect(await waitUntilReady({ port: server.port, deadlineMs: 10_000, signal: AbortSignal.abort() })).toBe(
      'aborted',
    );
    expect(server.connections()).toBe(0);
  });
  it('during a question', async () => {
    const controller = new AbortController();
    await using server = await tcpServer(() => controller.abort());
    const { signal } = controller;
    const startedAt = performance.now();
    expect(await waitUntilReady({ port: server.port, deadlineMs: 60_000, timeoutMs: 60_000, signal })).toBe('aborted');
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
  it('during a pause', async () => {
    const controller = new AbortController();
    await using server = await httpServer((_request, response) => response.writeHead(503).end('{}'));
    let result: string | undefined;
    const waiting = waitUntilReady({ port: server.port, deadlineMs: 60_000, signal: controller.signal }).then((end) => {
      result = end;
    });
    // By the sixth question the pauses are 50 ms long, and between two questions no connection is open.
    await eventually('a long pause', () => server.connections() >= 6 && server.sockets.size === 0);
    controller.abort();
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    expect(result).toBe('aborted');
    await waiting;
  });
});
