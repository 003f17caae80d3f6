import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { openProcessRegistry } from '@cm/process-registry';
import { describe, expect, test } from 'vitest';
import { type RealProcess, startProcess } from '../../../../tools/testing/real-process.js';
import { callWorker, readToken } from '../../src/client/index.js';
import { ROUTES } from '../../src/contract/index.js';
import { createCookie } from '../../src/supervisor/processes.js';
import { eventually, type Place, workerPlace } from '../support.js';

const FAMILY = 'sleep 300 & (setsid sleep 300 &) ; sleep 300 & wait';
const STUBBORN = 'trap "" TERM; echo up; while :; do sleep 1; done';

/** Binds for a moment; retries for a second, as a killed process holds its port for some milliseconds. */
const isBindableWithinASecond = async (port: number): Promise<boolean> => {
  const end = performance.now() + 1_000;
  do {
    const bound = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (bound) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  } while (performance.now() < end);
  return false;
};

const doctorOf = async (place: Place) => Object((await place.json(['doctor'])).body);
const recoveryOf = async (place: Place): Promise<string> =>
  (await doctorOf(place)).health.checks.find(({ id }: { id: string }) => id === 'recovery').detail;

describe('a worker that was killed together with its guardian, with children alive', () => {
  test('they are gone soon after the next start; who looks like them is left alone (S1, S6, R10, faults 8, 13, field failures 30, 40, 48)', async () => {
    await using place = await workerPlace();
    const { port } = await place.start();
    const leaders = await Promise.all(
      ['one', 'two', 'three'].map((session) => place.spawn(session, 'family', ['sh', '-c', FAMILY])),
    );
    await using exec = await place.running(['exec', '--session', 'one', '--', 'sh', '-c', STUBBORN]);
    expect(await exec.line()).toBe('up');
    const members = await eventually('the families are complete', async () => {
      const pids = (await place.processes()).flatMap((row) => row.members);
      return pids.length >= 3 * 4 + 1 && pids;
    });
    await using firstDecoy = await startProcess('sh', ['-c', STUBBORN], { detached: true });
    await using secondDecoy = await startProcess('sleep', ['300']);
    await using thirdDecoy = await startProcess('sleep', ['300'], { detached: true });
    const decoys: RealProcess[] = [firstDecoy, secondDecoy, thirdDecoy];

    await place.killWithGuardian();
    // No child holds the listening socket.
    expect(await isBindableWithinASecond(port)).toBe(true);
    expect(await Promise.all(leaders.map((row) => place.isAlive(Number(row.pid))))).toEqual([true, true, true]);

    const next = await place.start();
    expect(next.port).toBe(port);
    for (const member of members) await place.gone(member);
    expect(await Promise.all(decoys.map((decoy) => place.isAlive(decoy.pid)))).toEqual([true, true, true]);
    const story = await eventually('the doctor knows', async () => {
      const detail = await recoveryOf(place);
      return detail.startsWith('an earlier worker left 4 rows') && detail;
    });
    for (const row of leaders) expect(story).toContain(String(row.pid));
    expect(await place.processes()).toEqual([]);
    const { body } = await place.json(['sessions']);
    expect(
      Object(body)
        .sessions.map(({ id, state }: Record<string, string>) => [id, state])
        .sort(),
    ).toEqual([
      ['one', 'active'],
      ['three', 'active'],
      ['two', 'active'],
    ]);
    expect((await place.cm(['doctor'])).code).toBe(0);
  });

  test.each(['kill', 'keep'] as const)(
    'a process that was started but not yet recorded is found by the cookie of its intent; on death: %s (faults 2, 11)',
    async (onWorkerDeath) => {
      await using place = await workerPlace();
      await place.start();
      expect((await place.cm(['stop'])).code).toBe(0);
      // What a worker does up to the moment in which it is killed.
      const registry = await openProcessRegistry({
        directory: place.files.registry,
        table: place.table,
        createCookie: () => createCookie(place.dataDir),
      });
      const { cookie } = registry.prepare({
        name: 'half',
        sessionId: 's',
        type: 'process',
        command: 'sleep',
        args: ['300'],
        cwd: '/',
        restart: 'temporary',
        stopSignal: 'SIGTERM',
        graceMs: 500,
        killWaitMs: 1000,
        onWorkerDeath,
        envKeys: [],
      });
      await registry.close();
      const env = place.env();
      await using half = await startProcess('sleep', ['300'], { detached: true, env: { ...env, CM_SCOPE: cookie } });
      await using other = await startProcess('sleep', ['300'], {
        detached: true,
        env: { ...env, CM_SCOPE: createCookie(`${place.dataDir}-of-another`) },
      });
      await place.start();
      expect(await half.exit).toEqual({ code: null, signal: 'SIGTERM' });
      expect(await place.isAlive(other.pid)).toBe(true);
      await eventually('the doctor knows', async () => (await recoveryOf(place)).includes(String(half.pid)));
      expect(await place.processes()).toEqual([]);
    },
  );
});

test('a stop that comes while it still cleans up leaves nothing either (fault 27)', async () => {
  await using place = await workerPlace();
  await place.start();
  const rows = await Promise.all(
    ['one', 'two'].map((name) => place.spawn('s', name, ['sh', '-c', STUBBORN], { graceMs: 1_500 })),
  );
  await place.killWithGuardian();
  await place.start();
  expect((await place.cm(['stop'])).code).toBe(0);
  expect(await Promise.all(rows.map((row) => place.isAlive(Number(row.pid))))).toEqual([false, false]);
});

test('a worker whose data directory was taken away ends, and everything of it; a new one may begin (field failure 24)', async () => {
  await using place = await workerPlace();
  const { pid } = await place.start();
  const child = await place.spawn('s', 'sleeper', ['sh', '-c', 'echo up; exec sleep 300']);
  const log = join(place.files.logs, `${child.id}.log`);
  await eventually('its log is open', () => existsSync(log) && readFileSync(log, 'utf8') === 'up\n');
  const away = join(place.path, 'away');
  renameSync(place.dataDir, away);
  await place.gone(pid);
  expect(await place.isAlive(Number(child.pid))).toBe(false);
  expect(readFileSync(join(away, 'logs', 'worker.log'), 'utf8')).toContain('the data directory is gone');
  expect(existsSync(place.dataDir)).toBe(false);
  expect((await place.start()).pid).not.toBe(pid);
});

describe('the PID file of a live worker', () => {
  test('is put back when it was removed (fault 21)', async () => {
    await using place = await workerPlace();
    const record = await place.start();
    rmSync(place.files.pidFile);
    await eventually('it is back', () => existsSync(place.files.pidFile));
    expect(place.record()).toEqual(record);
    expect(await place.cm(['stop'])).toMatchObject({ code: 0, stdout: `stopped (pid ${record.pid})\n` });
    expect(existsSync(place.files.pidFile)).toBe(false);
  });

  test('is left alone when somebody else’s is in its place, and the doctor says so (fault 21)', async () => {
    await using place = await workerPlace();
    const record = await place.start();
    const other = { ...record, instanceId: 'another' };
    writeFileSync(place.files.pidFile, JSON.stringify(other));
    const check = await eventually('the doctor has noticed', async () => {
      const answer = await callWorker(record, readToken(place.files), { route: ROUTES.doctor, timeoutMs: 20_000 });
      if (!answer.ok) throw new Error(answer.error.message);
      const found = Object(answer.body).health.checks.find(({ id }: { id: string }) => id === 'pid-file');
      return found.status === 'fail' && found;
    });
    expect(check.detail).toContain('names another process');
    await eventually('it is in the log', () =>
      readFileSync(join(place.files.logs, 'worker.log'), 'utf8').includes('worker.pid is not this worker’s any more'),
    );
    expect(place.record()).toEqual(other);
    process.kill(record.pid, 'SIGTERM');
    await place.gone(record.pid);
    expect(place.record()).toEqual(other);
  });
});
