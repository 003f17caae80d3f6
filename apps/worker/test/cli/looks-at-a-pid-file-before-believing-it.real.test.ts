import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import type { PidRecord } from '@cm/pid-file/read';
import { describe, expect, test } from 'vitest';
import { startProcess } from '../../../../tools/testing/real-process.js';
import { freePort, onlyLine, type Place, workerPlace } from '../support.js';

const text = (path: string): string => readFileSync(path, 'utf8').trim();

/** Writes a PID file as a worker of this machine would, with a process that is not one. */
const pretend = async (place: Place, changes: Partial<PidRecord>): Promise<PidRecord> => {
  const record: PidRecord = {
    schema: 1,
    pid: process.pid,
    startToken: '1',
    bootId: text('/proc/sys/kernel/random/boot_id'),
    machineId: text('/etc/machine-id'),
    pidNs: readlinkSync('/proc/self/ns/pid'),
    port: await freePort(),
    address: '127.0.0.1',
    startedAt: new Date().toISOString(),
    version: '0.0.0',
    protocol: 1,
    dataDir: place.dataDir,
    instanceId: 'another-instance',
    proof: { client: 'c'.repeat(64), worker: 'w'.repeat(64) },
    ...changes,
  };
  mkdirSync(place.dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(place.files.pidFile, JSON.stringify(record), { mode: 0o600 });
  return record;
};

describe('a stale one is replaced at the first touch', () => {
  test('of a process that is gone (field failures 3, 17)', async () => {
    await using place = await workerPlace();
    const dead = await startProcess('true');
    await dead.exit;
    await pretend(place, { pid: dead.pid });
    const status = await place.cm(['status']);
    expect(status).toMatchObject({ code: 3 });
    expect(status.stdout).toContain(`pid ${dead.pid}) is gone`);
    expect(await place.json(['start'])).toMatchObject({ code: 0, body: { started: true } });
  });

  test('of a pid that a stranger has by now, who is left alone (field failures 1, 2, 4)', async () => {
    await using place = await workerPlace();
    await using stranger = await startProcess('sleep', ['60']);
    await pretend(place, { pid: stranger.pid });
    expect(await place.cm(['stop', '--force'])).toMatchObject({ code: 0, stdout: 'not running\n' });
    expect(await place.json(['start'])).toMatchObject({ code: 0, body: { started: true } });
    expect((await place.cm(['stop'])).code).toBe(0);
    expect(await place.isAlive(stranger.pid)).toBe(true);
  });

  test.each([
    ['empty', ''],
    ['half written', '{"schema":1,"pid":12'],
    ['of another shape', '{"schema":1,"pid":0}'],
  ])('%s (fault 20)', async (_, content) => {
    await using place = await workerPlace();
    mkdirSync(place.dataDir, { mode: 0o700 });
    writeFileSync(place.files.pidFile, content, { mode: 0o600 });
    expect(await place.json(['start'])).toMatchObject({ code: 0, body: { started: true } });
  });
});

test.each([
  ['machine', { machineId: 'f'.repeat(32) }],
  ['PID namespace', { pidNs: 'pid:[1]' }],
])('one from another %s is believed: everything but a look ends with 4, and the file stays', async (_, elsewhere) => {
  await using place = await workerPlace();
  await pretend(place, elsewhere);
  const before = text(place.files.pidFile);
  for (const verb of ['start', 'run', 'stop', 'restart', 'ps']) {
    const { code, stdout, stderr } = await place.cm([verb]);
    expect({ verb, code, stdout }).toEqual({ verb, code: 4, stdout: '' });
    expect(onlyLine(stderr)).toContain('in use from another machine or container');
  }
  expect(await place.json(['status'])).toMatchObject({ code: 4, body: { status: 'elsewhere' } });
  expect(await place.json(['doctor'])).toMatchObject({ code: 1, body: { pidFile: { status: 'unknown' } } });
  expect(text(place.files.pidFile)).toBe(before);
});

test('a squatter on the port of a live pid is not believed, and gets nothing (field failures 10, 23)', async () => {
  await using place = await workerPlace();
  const heard: string[] = [];
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      heard.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)} ${body}`);
      response.end(JSON.stringify({ worker: 'x'.repeat(64), protocol: 1, status: 'ready' }));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const found = await place.table.identify(process.pid);
    if (found.status !== 'alive') throw new Error('this process is not there');
    await pretend(place, { startToken: found.process.identity.startToken, port: address.port });
    writeFileSync(place.files.token, 'a'.repeat(64), { mode: 0o600 });
    expect((await place.cm(['status'])).code).toBe(1);
    expect((await place.cm(['exec', '--session', 's', '--create', '--', 'true'])).code).toBe(1);
    expect(heard.length).toBeGreaterThan(0);
    for (const request of heard) {
      expect(request).toMatch(/^POST \/api\/handshake /);
      expect(request).not.toContain('a'.repeat(64));
    }
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a worker leaves its successor’s file alone (field failure 6, fault 19)', async () => {
  await using place = await workerPlace();
  const { pid } = await place.start();
  const successor = await pretend(place, { pid, startToken: place.record().startToken });
  process.kill(pid, 'SIGTERM');
  await place.gone(pid);
  expect(JSON.parse(text(place.files.pidFile))).toEqual(successor);
});
