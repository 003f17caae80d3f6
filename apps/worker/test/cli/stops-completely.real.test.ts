import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/contract/index.js';
import { eventually, onlyLine, type Place, workerPlace } from '../support.js';

/** Says when it can be stopped, and then ignores every polite request. */
const STUBBORN = ['/bin/sh', '-c', 'trap "" TERM INT HUP; while :; do sleep 1; done'] as const;

const isBindable = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

const logged = (place: Place, message: string): number =>
  readFileSync(`${place.files.logs}/worker.log`, 'utf8').split(`"msg":"${message}"`).length - 1;

describe('stop', () => {
  test('ends children that ignore SIGTERM, then itself: pid gone, port free, PID file gone (S3, field failures 24, 45)', async () => {
    await using place = await workerPlace();
    const { pid, port } = await place.start();
    const child = await place.spawn('s', 'stubborn', STUBBORN, { graceMs: 300 });
    const polite = await place.spawn('s', 'polite', ['sleep', '60']);
    expect(await place.json(['stop'])).toEqual({ code: 0, body: { status: 'stopping', stopped: true, pid } });
    const pids = [pid, Number(child.pid), Number(polite.pid)];
    expect(await Promise.all(pids.map(place.isAlive))).toEqual([false, false, false]);
    expect(await isBindable(port)).toBe(true);
    expect(existsSync(place.files.pidFile)).toBe(false);
    expect(await place.cm(['stop'])).toMatchObject({ code: 0, stdout: 'not running\n' });
  });

  test('three at once, while a stop is under way, all succeed and there is one shutdown (R1, R12, fault 28)', async () => {
    await using place = await workerPlace();
    await place.start();
    await place.spawn('s', 'stubborn', STUBBORN, { graceMs: 1_500 });
    const stops = await Promise.all([place.cm(['stop']), place.cm(['stop']), place.cm(['stop'])]);
    expect(stops.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(logged(place, 'the worker is stopping')).toBe(1);
    expect(logged(place, 'the worker has stopped')).toBe(1);
  });

  test('--force kills at once, also when a stop is under way (R1)', async () => {
    await using place = await workerPlace();
    await place.start();
    // Without force, this child alone would take a minute.
    const child = await place.spawn('s', 'stubborn', STUBBORN, { graceMs: 60_000 });
    expect((await place.ask({ route: ROUTES.shutdown, body: {} })).code).toBe(202);
    await eventually('the stop has begun', () => logged(place, 'the worker is stopping') === 1);
    expect(await place.cm(['stop', '--force'])).toMatchObject({ code: 0, stderr: '' });
    expect(await place.isAlive(Number(child.pid))).toBe(false);
  });

  test('a worker that does not answer is told, and ended with --force (fault 22, field failures 21, 33)', async () => {
    await using place = await workerPlace();
    const { pid } = await place.start();
    process.kill(pid, 'SIGSTOP');
    const [plain, status, start] = await Promise.all([place.cm(['stop']), place.cm(['status']), place.cm(['restart'])]);
    expect(plain.code).toBe(1);
    expect(onlyLine(plain.stderr)).toContain('cm-worker stop --force');
    expect(status.code).toBe(1);
    expect(status.stdout).toContain(`pid ${pid}`);
    expect(start.code).toBe(1);
    expect(await place.isAlive(pid)).toBe(true);
    expect(await place.cm(['stop', '--force'])).toMatchObject({ code: 0, stdout: `stopped (pid ${pid})\n` });
    expect(await place.isAlive(pid)).toBe(false);
    expect((await place.start()).pid).not.toBe(pid);
  });

  test('works without the token, which may be lost: it is this user’s own process', async () => {
    await using place = await workerPlace();
    const { pid } = await place.start();
    const child = await place.spawn('s', 'sleeper', ['sleep', '60']);
    rmSync(place.files.token);
    expect(await place.cm(['stop'])).toMatchObject({ code: 0, stdout: `stopped (pid ${pid})\n` });
    expect(await place.isAlive(Number(child.pid))).toBe(false);

    const next = await place.start();
    appendFileSync(place.files.token, 'spoilt');
    expect(await place.json(['restart'])).toMatchObject({ code: 0, body: { status: 'ok' } });
    expect(place.record().pid).not.toBe(next.pid);
  });
});
