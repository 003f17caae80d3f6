import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { acquireLock } from '@cm/pid-file/lock';
import { expect, test } from 'vitest';
import { ensureWorker } from '../../src/client/index.js';
import { BUNDLE, eventually, onlyLine, workerPlace } from '../support.js';

test('what cannot be opened ends it with 1 and is undone; without the obstacle it starts (R26, field failure 22)', async () => {
  await using place = await workerPlace();
  mkdirSync(place.dataDir, { mode: 0o700 });
  for (const obstacle of [place.files.registry, place.files.events, place.files.pidFile]) {
    if (obstacle === place.files.pidFile) mkdirSync(obstacle);
    else writeFileSync(obstacle, 'in the way');
    const [start, run] = [await place.cm(['start']), await place.cm(['run'])];
    expect([start.code, run.code]).toEqual([1, 1]);
    expect([onlyLine(start.stderr), onlyLine(run.stderr)]).toEqual(
      Array(2).fill(expect.stringMatching(/^cm-worker: .*(ENOTDIR|EEXIST|a directory)/)),
    );
    rmSync(obstacle, { recursive: true });
    expect(existsSync(place.files.pidFile)).toBe(false);
  }
  expect(await place.json(['start'])).toMatchObject({ code: 0, body: { started: true, status: 'ok' } });
});

test('a damaged registry is set aside, said, and does not keep the worker from starting (S1, field failure 86, fault 15)', async () => {
  await using place = await workerPlace();
  await place.start();
  await place.spawn('s', 'sleeper', ['sleep', '60']);
  expect((await place.cm(['stop'])).code).toBe(0);
  const journal = join(place.files.registry, 'sessions.journal');
  writeFileSync(join(place.files.registry, 'processes.journal'), '\u0000garbage\n{"half":\n');
  expect(readFileSync(journal, 'utf8')).toContain('"s"');
  expect(await place.json(['start'])).toMatchObject({ code: 0, body: { started: true } });
  const { code, body } = await place.json(['doctor']);
  expect(code).toBe(0);
  const { quarantined } = Object(body).storage.registry;
  expect(quarantined).toEqual([expect.stringContaining('processes.journal.corrupt-')]);
  expect(readFileSync(quarantined[0], 'utf8')).toContain('garbage');
  expect(await place.session('s')).toMatchObject({ state: 'active' });
});

test('a claim that is given back while start waits is taken (field failure 20)', async () => {
  await using place = await workerPlace();
  mkdirSync(place.dataDir, { mode: 0o700 });
  const held = await acquireLock(place.dataDir, 'claim');
  if (held.status !== 'acquired') throw new Error(`the claim is ${held.status}`);
  await using start = await place.running(['start', '--json']);
  // The first daemon has come and gone.
  const words = (): string => (existsSync(place.files.bootLog) ? readFileSync(place.files.bootLog, 'utf8') : '');
  await eventually('a daemon was refused', () => words().includes('another worker is starting or stopping'));
  await held.lock.release();
  expect(await start.exit).toEqual({ code: 0, signal: null });
  expect(JSON.parse(start.output().stdout)).toMatchObject({ started: true, pid: place.record().pid });
});

test('a claim that is never given back is said to be held, and no daemon is left', async () => {
  await using place = await workerPlace();
  mkdirSync(place.dataDir, { mode: 0o700 });
  const held = await acquireLock(place.dataDir, 'claim');
  if (held.status !== 'acquired') throw new Error(`the claim is ${held.status}`);
  await using _lock = held.lock;
  const spawned: (number | undefined)[] = [];
  const result = await ensureWorker({
    dataDirectory: place.files,
    artifact: { entry: BUNDLE },
    env: place.env(),
    deadlineMs: 6_000,
    onSpawn: (pid) => void spawned.push(pid),
  });
  expect(result).toEqual({
    status: 'refused',
    held: true,
    reason: expect.stringContaining('another worker is starting or stopping'),
  });
  expect(spawned).toHaveLength(1);
  expect(existsSync(place.files.pidFile)).toBe(false);
});
