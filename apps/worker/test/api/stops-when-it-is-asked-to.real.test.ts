import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../../tools/testing/eventually.js';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import { codeOf, eventOf, field, isAlive, putSession, spawnIn, startWorker, type TestWorker } from '../support-api.js';

const SLEEP = { command: 'sleep', args: ['60'] } as const;

const isClosed = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });

/** A process that ignores SIGTERM, so that a stop takes as long as its grace. */
const stubborn = async (worker: TestWorker, session: string, graceMs: number): Promise<number> => {
  await using directory = await temporaryDirectory();
  const ready = join(directory.path, 'ready');
  const args = ['-c', 'trap "" TERM; : > "$0"; exec sleep 60', ready];
  const { pid } = await spawnIn(worker, session, { name: 'stubborn', command: 'sh', args, graceMs });
  await eventually('the trap', () => existsSync(ready));
  return pid;
};

it('answers before it stops, then children, port and PID file go (field failure 24)', async () => {
  await using worker = await startWorker();
  await putSession(worker, 's');
  const { pid } = await spawnIn(worker, 's', SLEEP);
  const answer = await worker.call('POST', '/api/admin/shutdown', { reason: 'the test asks' });
  expect([answer.status, answer.body]).toEqual([202, { status: 'stopping' }]);
  const summary = await worker.worker.stopped;
  expect(summary).toMatchObject({ reason: 'the test asks', children: { ok: true, targets: [{ pid }] }, problems: [] });
  expect(isAlive(pid)).toBe(false);
  expect(await isClosed(worker.port)).toBe(true);
  expect(existsSync(worker.dataDirectory.pidFile)).toBe(false);
});

it.each([[undefined], [{}], [{ force: false }]])('takes the body %j', async (body) => {
  await using worker = await startWorker();
  expect((await worker.call('POST', '/api/admin/shutdown', body)).status).toBe(202);
  expect(await worker.worker.stopped).toMatchObject({ reason: 'asked by the API', problems: [] });
});

it('is not stopped by a body that it does not understand', async () => {
  await using worker = await startWorker();
  for (const body of [{ force: 'yes' }, { reason: 1 }, { now: true }, []]) {
    expect((await worker.call('POST', '/api/admin/shutdown', body)).status, JSON.stringify(body)).toBe(422);
  }
  expect((await worker.call('GET', '/api/readiness')).status).toBe(200);
});

it('kills at once when force is asked for, also in a stop that has begun (R1)', async () => {
  await using worker = await startWorker();
  await putSession(worker, 's');
  const pid = await stubborn(worker, 's', 600_000);
  expect((await worker.call('POST', '/api/admin/shutdown', {})).status).toBe(202);
  await eventually('the stop to begin', async () => (await worker.call('GET', '/api/readiness')).status === 503);
  expect(isAlive(pid)).toBe(true);
  expect((await worker.call('POST', '/api/admin/shutdown', { force: true })).status).toBe(202);
  expect(await worker.worker.stopped).toMatchObject({ children: { ok: true, targets: [{ pid, outcome: 'killed' }] } });
  expect(isAlive(pid)).toBe(false);
});

describe('while it stops', () => {
  it('says so, starts nothing, and goes on answering (R12, faults 29, 46)', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    const pid = await stubborn(worker, 's', 600_000);
    await worker.call('POST', '/api/admin/shutdown', {});
    const readiness = await eventually('the stop to begin', async () => {
      const answer = await worker.call('GET', '/api/readiness');
      return answer.status === 503 && answer;
    });
    expect(readiness.body).toEqual({ status: 'stopping' });
    expect(readiness.headers['retry-after']).toBe('1');
    expect(field((await worker.call('GET', '/api/health')).body, 'status')).toBe('degraded');
    for (const [method, path, body] of [
      ['POST', '/api/sessions/s/processes', { name: 'late', ...SLEEP }],
      ['POST', '/api/sessions/s/adopt', { name: 'late', pid: 2 ** 22 }],
      ['PUT', '/api/sessions/late', {}],
    ] as const) {
      const answer = await worker.call(method, path, body);
      expect([answer.status, codeOf(answer)], path).toEqual([409, 'STOPPING']);
    }
    // An event is no reason to be turned away: it is on record before the worker goes.
    expect((await worker.call('POST', '/api/events', eventOf({ id: 'late' }))).status).toBe(202);
    const report = worker.worker.stop({ reason: 'once more', force: true });
    expect(await report).toBe(await worker.worker.stopped);
    expect(isAlive(pid)).toBe(false);
    await using successor = await startWorker({ dataDirectory: worker.dataDirectory });
    expect(field((await successor.call('GET', '/api/events')).body, 'events', 0, 'id')).toBe('late');
    expect((await successor.call('GET', '/api/sessions')).body).toMatchObject({ sessions: [{ id: 's' }] });
  });

  it('lets no spawn slip in between the answer and the stop (fault 29)', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    const [stop, ...spawned] = await Promise.all([
      worker.call('POST', '/api/admin/shutdown', {}),
      ...Array.from({ length: 8 }, (_, index) =>
        worker
          .call('POST', '/api/sessions/s/processes', { name: `n${index}`, ...SLEEP })
          .then(({ status, body }) => ({ status, pid: field(body, 'pid') }))
          .catch(() => ({ status: 0, pid: undefined })),
      ),
    ]);
    expect(stop.status).toBe(202);
    expect(await worker.worker.stopped).toMatchObject({ children: { ok: true }, problems: [] });
    for (const { status, pid } of spawned) {
      expect([0, 201, 409]).toContain(status);
      if (typeof pid === 'number') expect(isAlive(pid)).toBe(false);
    }
  });
});

it('drains and exits for a restart, and keeps its sessions for the successor', async () => {
  await using worker = await startWorker();
  await putSession(worker, 's', { metadata: { kept: true } });
  const { pid } = await spawnIn(worker, 's', SLEEP);
  const answer = await worker.call('POST', '/api/admin/restart');
  expect([answer.status, answer.body]).toEqual([202, { status: 'restarting' }]);
  expect(await worker.worker.stopped).toMatchObject({ reason: 'restart', problems: [] });
  expect(isAlive(pid)).toBe(false);
  expect(await isClosed(worker.port)).toBe(true);
  await using successor = await startWorker({ dataDirectory: worker.dataDirectory });
  expect((await successor.call('GET', '/api/sessions/s')).body).toMatchObject({
    state: 'active',
    metadata: { kept: true },
    processes: 0,
  });
});

it('restarts for a client that always says JSON', async () => {
  await using worker = await startWorker();
  expect((await worker.call('POST', '/api/admin/restart', undefined, { bytes: '' })).status).toBe(202);
  expect(await worker.worker.stopped).toMatchObject({ reason: 'restart' });
});

const connections = (port: number, count: number): Promise<Socket[]> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    }),
  );

it('is not held up by 200 connections that never send, nor by 50 that stay open (fault 45, field failure 31)', async () => {
  await using worker = await startWorker({ settings: { httpStopMs: 500 } });
  const silent = await connections(worker.port, 200);
  const kept = await connections(worker.port, 50);
  try {
    const health = `GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:${worker.port}\r\n\r\n`;
    const answered = kept.map((socket) => once(socket, 'data'));
    for (const socket of kept) socket.write(health);
    await Promise.all(answered);
    expect((await worker.call('GET', '/api/health')).status).toBe(200);
    const startedAt = performance.now();
    await worker.call('POST', '/api/admin/shutdown', {});
    expect(await worker.worker.stopped).toMatchObject({ problems: [] });
    // Far below the 10 s after which Node gives up on a connection that sends nothing.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await isClosed(worker.port)).toBe(true);
  } finally {
    for (const socket of [...silent, ...kept]) socket.destroy();
  }
});
