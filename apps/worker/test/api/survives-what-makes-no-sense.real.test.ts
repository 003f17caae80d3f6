import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { codeOf, eventOf, startWorker, type TestWorker } from '../support-api.js';

const SEED = 20_260_101;
const REQUESTS = 2_000;
const AT_ONCE = 25;

/** Mulberry32: the same sequence for the same seed. */
const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Writes, closes its own half and waits for the other. */
const throwAt = (port: number, bytes: Buffer): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.end(bytes);
  });

const requestOf = (random: () => number, { port, token }: TestWorker): Buffer => {
  const pick = <T>(from: readonly [T, ...T[]]): T => from[Math.floor(random() * from.length)] ?? from[0];
  const method = pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'get', 'POST\t', '']);
  // Nothing here that would stop the worker or start anything.
  const target = pick([
    '/api/health',
    '/api/sessions/%00',
    '/api/sessions/a%2Fb',
    '/api/events',
    '/api/processes/x',
    '/%',
    '/api/sessions/x/adopt',
    '/',
    'x',
  ]);
  const version = pick(['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9', '']);
  const body = pick([
    '',
    '{}',
    '[',
    '{"pid":0,"name":"x"}',
    '\0\0',
    '{"__proto__":1}',
    JSON.stringify(eventOf()),
    '"'.repeat(50),
  ]);
  const headers = [
    pick([`Host: 127.0.0.1:${port}`, `Host: 127.0.0.1:${port}`, 'Host: x', '']),
    pick([`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`, 'Authorization: \xff', '']),
    pick(['Content-Type: application/json', 'Content-Type: ;;;', 'Content-Type: text/plain', '']),
    pick([
      `Content-Length: ${body.length}`,
      `Content-Length: ${body.length}`,
      'Content-Length: 99',
      'Transfer-Encoding: chunked',
      'Expect: x',
      'X: \0',
    ]),
  ].filter((header) => header !== '');
  const bytes = Buffer.from([`${method} ${target} ${version}`, ...headers, '', body].join('\r\n'), 'latin1');
  if (random() < 0.3) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return bytes;
};

it(`answers ${REQUESTS} malformed requests without a 500 and without a word in the log (fault 44, seed ${SEED})`, async () => {
  await using worker = await startWorker();
  const random = randomOf(SEED);
  for (let sent = 0; sent < REQUESTS; sent += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, () => requestOf(random, worker));
    const answers = await Promise.all(batch.map((bytes) => throwAt(worker.port, bytes)));
    const broken = answers.findIndex((text) => text.includes('HTTP/1.1 500'));
    expect(broken === -1 ? '' : batch[broken]?.toString('latin1')).toBe('');
  }
  expect(worker.logged.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  expect((await worker.call('GET', '/api/health')).status).toBe(200);
  expect((await worker.call('GET', '/api/processes')).body).toEqual({ processes: [] });
});

it('has an answer, never a 5xx, for every odd value in every field (fault 44)', async () => {
  await using worker = await startWorker();
  await worker.call('PUT', '/api/sessions/s', {});
  const odd: readonly unknown[] = [
    null,
    0,
    -1,
    1.5,
    2 ** 53,
    '',
    '\0',
    '\ud800',
    'x'.repeat(70_000),
    [],
    {},
    [null],
    true,
    { toString: 1 },
  ];
  const bodies: readonly (readonly [string, string, object])[] = [
    ['PUT', '/api/sessions/odd', { owner: { pid: process.pid }, cwd: '/', metadata: {} }],
    [
      'POST',
      '/api/sessions/s/processes',
      {
        name: 'n',
        command: '/nowhere',
        args: [],
        cwd: '/',
        env: {},
        type: 't',
        stopSignal: 'SIGTERM',
        graceMs: 0,
        killWaitMs: 0,
        onDuplicate: 'replace',
      },
    ],
    ['POST', '/api/sessions/s/adopt', { pid: 0, name: 'n', type: 't', startToken: '1' }],
    ['POST', '/api/events', { ...eventOf(), ownerPid: 1, ownerStartToken: 'x', truncated: false }],
    ['POST', '/api/handshake', { client: 'x' }],
  ];
  for (const [method, path, body] of bodies) {
    for (const key of Object.keys(body)) {
      for (const value of odd) {
        const { status, text } = await worker.call(method, path, { ...body, [key]: value });
        expect(status, `${path} ${key} ${JSON.stringify(value).slice(0, 40)}: ${text}`).toBeLessThan(500);
      }
    }
  }
  expect((await worker.call('GET', '/api/processes')).body).toEqual({ processes: [] });
  expect(worker.logged.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});

it('has a refusal for numbers that JSON has and nobody else', async () => {
  await using worker = await startWorker();
  for (const number of ['1e400', '-1e400', '9007199254740993', '-0', '1e-400']) {
    const bytes = `{"pid":${number},"name":"n"}`;
    await worker.call('PUT', '/api/sessions/s', {});
    const answer = await worker.call('POST', '/api/sessions/s/adopt', undefined, { bytes });
    expect(answer.status, number).toBe(422);
    expect(codeOf(answer), number).toMatch(/^(INVALID|NOT_ADOPTABLE)$/);
  }
});
