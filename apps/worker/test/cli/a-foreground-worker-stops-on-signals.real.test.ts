import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { RealProcess } from '../../../../tools/testing/real-process.js';
import { eventually, onlyLine, type Place, workerPlace } from '../support.js';

const STUBBORN = ['/bin/sh', '-c', 'trap "" TERM INT HUP; while :; do sleep 1; done'] as const;
const CLEAN = { code: 0, signal: null };

const foreground = async (place: Place, ...args: string[]): Promise<RealProcess> => {
  const worker = await place.running(['run', ...args]);
  expect(await worker.line()).toMatch(/^ready on |^{"status":"ready"/);
  return worker;
};

const stopsIn = (place: Place): number =>
  readFileSync(`${place.files.logs}/worker.log`, 'utf8').split('"msg":"the worker is stopping"').length - 1;

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s stops it and its children, with 0 (R24, fault 26, field failure 83)',
  async (signal) => {
    await using place = await workerPlace();
    await using worker = await foreground(place);
    const { pid } = await place.spawn('s', 'sleeper', ['sleep', '60']);
    worker.child.kill(signal);
    expect(await worker.exit).toEqual(CLEAN);
    expect(worker.output().stderr).toBe('');
    expect(await place.isAlive(Number(pid))).toBe(false);
    expect(existsSync(place.files.pidFile)).toBe(false);
  },
);

test('two signals at once begin one shutdown, and the second one forces it (R1, fault 26)', async () => {
  await using place = await workerPlace();
  await using worker = await foreground(place);
  // A minute of grace: without force, the deadline of the stop would have to pass.
  const child = await place.spawn('s', 'stubborn', STUBBORN, { graceMs: 60_000 });
  worker.child.kill('SIGTERM');
  worker.child.kill('SIGINT');
  expect(await worker.exit).toEqual(CLEAN);
  expect(stopsIn(place)).toBe(1);
  const log = readFileSync(`${place.files.logs}/worker.log`, 'utf8');
  expect(log).toContain('"outcome":"killed"');
  // It ended long before its grace, or the fifteen seconds that all children have.
  const times = log.split('\n').flatMap((line) => (line === '' ? [] : [Date.parse(JSON.parse(line).time)]));
  const [from = 0, to = 0] = [times.at(-4), times.at(-1)];
  expect(to - from).toBeLessThan(10_000);
  expect(await place.isAlive(Number(child.pid))).toBe(false);
});

test('a detached one ignores SIGHUP (R24)', async () => {
  await using place = await workerPlace();
  const { pid } = await place.start();
  process.kill(pid, 'SIGHUP');
  expect(await place.json(['status'])).toMatchObject({ code: 0, body: { pid, readiness: 'ready' } });
  process.kill(pid, 'SIGTERM');
  await place.gone(pid);
  expect(existsSync(place.files.pidFile)).toBe(false);
});

test('run --json says where it is; while it runs another one ends with 4', async () => {
  await using place = await workerPlace();
  await using worker = await place.running(['run', '--json']);
  expect(JSON.parse(await worker.line())).toEqual({
    status: 'ready',
    port: place.port,
    pid: worker.pid,
    dataDir: place.dataDir,
  });
  const { code, stderr } = await place.cm(['run']);
  expect(code).toBe(4);
  expect(onlyLine(stderr)).toContain(`already running: pid ${worker.pid}`);
});

test('a signal that comes while it starts stops what has been started', async () => {
  await using place = await workerPlace();
  await using worker = await place.running(['run']);
  // From the claim's key file on its handlers are in place, and the start is not yet complete.
  await eventually('the start has begun', () => existsSync(`${place.dataDir}/lock.key`));
  worker.child.kill('SIGTERM');
  expect(await worker.exit).toEqual(CLEAN);
  expect(existsSync(place.files.pidFile)).toBe(false);
  expect((await place.start()).pid).not.toBe(worker.pid);
});
