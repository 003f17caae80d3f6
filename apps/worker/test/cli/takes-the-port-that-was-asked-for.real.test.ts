import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { expect, test } from 'vitest';
import { freePort, onlyLine, workerPlace } from '../support.js';

interface Squatter extends AsyncDisposable {
  readonly port: number;
}

const squat = async (server: Server, port = 0): Promise<Squatter> => {
  const sockets = new Set<{ destroy(): unknown }>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

test('a port from the command line is exact: taken, it ends the start with 1 and its holder is named (fault 23)', async () => {
  await using place = await workerPlace();
  await using silent = await squat(createServer());
  await using web = await squat(createHttpServer((_, response) => response.end('hello')));
  const start = await place.cm(['start', '--port', String(silent.port)]);
  expect(start).toMatchObject({ code: 1, stdout: '' });
  expect(onlyLine(start.stderr)).toContain(`port ${silent.port} is taken (its holder is not a worker)`);
  const run = await place.cm(['run', '--port', String(web.port)]);
  expect(run).toMatchObject({ code: 1, stdout: '' });
  expect(onlyLine(run.stderr)).toContain(`port ${web.port} is taken (held by another HTTP server)`);
  expect((await place.cm(['status'])).code).toBe(3);
});

test('the worker of another data directory is named as such; two data directories have two workers (field failures 23, 36)', async () => {
  await using place = await workerPlace();
  await using other = await workerPlace();
  const { pid, port } = await other.start();
  const { code, stderr } = await place.cm(['start', '--port', String(port)]);
  expect(code).toBe(1);
  expect(onlyLine(stderr)).toContain(`held by the worker of another data directory, pid ${pid}`);
  const own = await place.start();
  expect(own.pid).not.toBe(pid);
  expect(own.port).not.toBe(port);
  expect(other.record().pid).toBe(pid);
});

test('a port from elsewhere is a preference: the next free one is taken and published (S6, field failures 28, 30)', async () => {
  await using place = await workerPlace();
  await using _taken = await squat(createServer(), place.port);
  const started = await place.json(['start']);
  const { port, pid } = place.record();
  expect(started).toMatchObject({ code: 0, body: { started: true, port, pid } });
  expect(port).toBeGreaterThan(place.port);
  expect(await place.json(['status'])).toMatchObject({ code: 0, body: { port, pid, readiness: 'ready' } });
});

test('a worker that runs is found whatever port is asked for', async () => {
  await using place = await workerPlace();
  const { pid, port } = await place.start();
  const again = await place.json(['start', '--port', String(await freePort())]);
  expect(again).toMatchObject({ code: 0, body: { started: false, pid, port } });
});
