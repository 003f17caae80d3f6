import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runToEnd, startProcess } from '../../../../tools/testing/real-process.js';
import { namesDataDirectory, ROUTES } from '../../src/contract/index.js';
import { BUNDLE, eventually, isRoot, needsRoot, type Place, workerPlace } from '../support.js';

/** The pids of everybody who carries a cookie of this data directory. */
const ours = async ({ table, dataDir }: Place): Promise<number[]> =>
  (await table.list({ cookies: true }))
    .filter(({ cookie, state }) => state !== 'zombie' && namesDataDirectory(cookie, dataDir))
    .map(({ identity }) => identity.pid)
    .sort();

const onRecord = async (place: Place): Promise<number[]> =>
  (await place.processes()).flatMap(({ members }) => members).sort();

const spawnIn = (place: Place, name: string) =>
  place.ask({
    route: ROUTES.spawnProcess,
    parameters: { id: 's' },
    body: { name, command: 'sleep', args: ['300'], graceMs: 500 },
  });

/** Spawns until it is refused; returns how it was refused. */
const untilRefused = async (place: Place) => {
  for (let n = 0; n < 200; n += 1) {
    const answer = await spawnIn(place, `n${n}`);
    if (!answer.ok) return answer;
  }
  throw new Error('200 processes, and nothing had run out');
};

const registryCheck = async (place: Place): Promise<{ status: string; detail: string }> =>
  Object((await place.json(['doctor'])).body).health.checks.find(({ id }: { id: string }) => id === 'registry');

/** On the data directory; the worker there is ended before it is taken away. */
const mountSmallDisk = async (place: Place): Promise<AsyncDisposable | undefined> => {
  const path = place.dataDir;
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', path]);
  if (status !== 0) return undefined;
  return {
    [Symbol.asyncDispose]: async () => {
      await place.cm(['stop', '--force']);
      const umount = await runToEnd('umount', [path]);
      if (umount.code !== 0) throw new Error(umount.stderr);
    },
  };
};

describe('fault 14: the worker', () => {
  test('starts nothing that it cannot record on a full disk, believes an end all the same, and goes on when there is room (field failure 86, R13)', async (context) => {
    if (!needsRoot('mount a small disk')) return context.skip();
    await using place = await workerPlace();
    mkdirSync(place.dataDir);
    await using disk = await mountSmallDisk(place);
    if (disk === undefined) return context.skip('cannot mount a tmpfs');
    await place.start();
    const [first, second] = [
      await place.spawn('s', 'first', ['sleep', '300']),
      await place.spawn('s', 'second', ['sleep', '300']),
    ];
    const ballast = join(place.dataDir, 'ballast');
    for (let size = 1 << 20; size >= 64; size /= 2) {
      try {
        writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' });
      } catch {
        // Full to the last of them.
      }
    }
    const refused = await untilRefused(place);
    expect(refused).toMatchObject({ ok: false, code: 503, error: { code: 'UNAVAILABLE' } });
    expect(await ours(place)).toEqual(await onRecord(place));
    process.kill(Number(first.pid), 'SIGKILL');
    await eventually('its end is believed', async () => (await place.processes()).every(({ id }) => id !== first.id));
    expect((await place.cm(['status'])).code).not.toBe(3);

    rmSync(ballast);
    const again = await eventually('there is room', async () => {
      const answer = await spawnIn(place, 'again');
      return answer.ok && answer.body;
    });
    expect(await registryCheck(place)).toMatchObject({ status: 'pass' });
    expect(await place.isAlive(Number(second.pid))).toBe(true);
    await place.killWithGuardian();
    // What could not be written when it happened was written afterwards.
    const ids = Object((await place.json(['ps'])).body).processes.map(({ id }: { id: string }) => id);
    expect(ids).toContain(Object(again).id);
    expect(ids).not.toContain(first.id);
    await place.start();
    await place.gone(Number(second.pid));
    expect((await place.cm(['stop'])).code).toBe(0);
  });

  test('says so when it is out of descriptors, runs nothing unrecorded, and goes on when some are free', async () => {
    await using place = await workerPlace();
    // Three for each child: its two pipes and its log.
    await using worker = await startProcess('prlimit', ['--nofile=70:70', process.execPath, BUNDLE, 'run'], {
      env: place.env(),
      cwd: place.path,
    });
    await worker.line(60_000);
    await place.call({ route: ROUTES.putSession, parameters: { id: 's' }, body: {} });
    const refused = await untilRefused(place);
    expect(refused).toMatchObject({ ok: false });
    expect([422, 503]).toContain(refused.code);
    expect(JSON.stringify(refused)).toMatch(/EMFILE|too many open files/);
    const recorded = await eventually('everybody is on record, and nobody else runs', async () => {
      const pids = await onRecord(place);
      return JSON.stringify(pids) === JSON.stringify(await ours(place)) && pids;
    });
    expect(recorded.length).toBeGreaterThan(3);
    const [one] = await place.processes();
    await place.call({ route: ROUTES.stopProcess, parameters: { id: String(one?.id) } });
    await eventually('there is room for another', async () => (await spawnIn(place, 'again')).ok);
    worker.child.kill('SIGTERM');
    expect(await worker.exit).toEqual({ code: 0, signal: null });
    expect(await ours(place)).toEqual([]);
  });

  test('says so when nothing more can be forked, runs nothing unrecorded, and goes on when something has ended', async (context) => {
    if (!isRoot) return context.skip('needs root, to run as a user with a limit of its own');
    await using place = await workerPlace();
    const uid = 54_321;
    mkdirSync(place.dataDir, { mode: 0o700 });
    const chown = await runToEnd('chown', ['-R', String(uid), place.path]);
    expect(chown.code).toBe(0);
    await using worker = await startProcess('prlimit', ['--nproc=30:30', process.execPath, BUNDLE, 'run'], {
      env: place.env(),
      cwd: place.path,
      uid,
      gid: uid,
    });
    await worker.line(60_000);
    // Its files belong to that user, and root believes them as little as anybody else does.
    const token = readFileSync(place.files.token, 'utf8');
    const ask = async (method: string, path: string, body?: object) => {
      const answer = await fetch(`http://127.0.0.1:${place.port}/api/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: Object(await answer.json()) };
    };
    const spawnAs = (name: string) =>
      ask('POST', 'sessions/s/processes', { name, command: 'sleep', args: ['300'], graceMs: 500 });
    await ask('PUT', 'sessions/s', {});
    const started: string[] = [];
    let refused = await spawnAs('first');
    for (let n = 0; refused.status === 201 && n < 60; n += 1) {
      started.push(refused.body.id);
      refused = await spawnAs(`n${n}`);
    }
    expect(refused).toMatchObject({
      status: 422,
      body: { error: { code: 'CANNOT_SPAWN', details: { errno: 'EAGAIN' } } },
    });
    const { processes } = (await ask('GET', 'processes')).body;
    expect(processes.map(({ id }: { id: string }) => id)).toEqual(started);
    await eventually('nobody runs who is not on record', async () => (await ours(place)).length === started.length);
    await ask('DELETE', `processes/${started[0]}`);
    await eventually('there is room for another', async () => (await spawnAs('again')).status === 201);
    worker.child.kill('SIGTERM');
    expect(await worker.exit).toEqual({ code: 0, signal: null });
    expect(await ours(place)).toEqual([]);
  });
});
