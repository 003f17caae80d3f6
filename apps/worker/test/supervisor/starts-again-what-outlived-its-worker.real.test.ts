import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openProcessRegistry, readProcessRegistry } from '@cm/process-registry';
import { expect, test } from 'vitest';
import { startProcess } from '../../../../tools/testing/real-process.js';
import { ROUTES } from '../../src/contract/index.js';
import { createCookie } from '../../src/supervisor/processes.js';
import { eventually, type Place, workerPlace } from '../support.js';

const KEPT = { onWorkerDeath: 'keep', restart: 'permanent', graceMs: 500 } as const;

const configure = (place: Place, config: object): void => {
  mkdirSync(place.dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(place.files.config, JSON.stringify(config));
};

const logOf = (place: Place): string => readFileSync(join(place.files.logs, 'worker.log'), 'utf8');

const recovered = (place: Place): Promise<unknown> =>
  eventually('it has recovered', () => logOf(place).includes('an earlier worker left behind'));

const runsAgain = (place: Place, before: number): Promise<{ readonly id: string; readonly pid: number | null }> =>
  eventually('it runs again', async () => {
    const row = (await place.processes()).find(({ pid, status }) => status === 'running' && pid !== before);
    return row ?? false;
  });

const checkOf = async (place: Place, id: string) =>
  Object((await place.json(['doctor'])).body).health.checks.find((check: { id: string }) => check.id === id);

test('a kept process that fails later is started again by the worker that took it over; its restarts count on (field failure 40)', async () => {
  await using place = await workerPlace();
  await place.start();
  const first = await place.spawn('s', 'kept', ['sh', '-c', 'echo up; exec sleep 300'], KEPT);
  process.kill(Number(first.pid), 'SIGKILL');
  const second = await runsAgain(place, Number(first.pid));
  await place.killWithGuardian();
  expect(await place.isAlive(Number(second.pid))).toBe(true);
  await place.start();
  await recovered(place);
  process.kill(Number(second.pid), 'SIGKILL');
  const third = await runsAgain(place, Number(second.pid));
  expect(third).toMatchObject({ id: first.id, name: 'kept', restarts: 2, restart: 'permanent' });
  expect(await place.isAlive(Number(third.pid))).toBe(true);
  expect(readFileSync(join(place.files.logs, `${first.id}.log`), 'utf8')).toBe('up\nup\nup\n');
  expect((await place.cm(['end', 's'])).code).toBe(0);
  expect([await place.isAlive(Number(third.pid)), await place.processes()]).toEqual([false, []]);
});

test('a kept process that ended while no worker looked is started again, after what it had left is gone (field failures 39, 40)', async () => {
  await using place = await workerPlace();
  await place.start();
  const ready = join(place.path, 'ready');
  const script = 'setsid sleep 300 & echo $! > "$0.tmp"; mv "$0.tmp" "$0"; exec sleep 300';
  const row = await place.spawn('s', 'kept', ['sh', '-c', script, ready], KEPT);
  await eventually('its member', () => existsSync(ready));
  const member = Number(readFileSync(ready, 'utf8'));
  await place.killWithGuardian();
  process.kill(Number(row.pid), 'SIGKILL');
  await place.gone(Number(row.pid));
  // Whoever cleans up without becoming a worker leaves it to the next one.
  expect((await place.cm(['recover', '--once'])).code).toBe(0);
  const { rows } = readProcessRegistry({ directory: place.files.registry });
  expect(rows).toMatchObject([{ id: row.id, status: 'running' }]);
  await place.start();
  const again = await runsAgain(place, Number(row.pid));
  expect(again).toMatchObject({ id: row.id, restarts: 1 });
  expect(await place.isAlive(member)).toBe(false);
});

test('a kept process that waited for its restart when its worker died is started by the next one', async () => {
  await using place = await workerPlace();
  configure(place, { restartBackoffMs: 600_000, restartBackoffMaxMs: 600_000 });
  await place.start();
  const row = await place.spawn('s', 'kept', ['sleep', '300'], KEPT);
  process.kill(Number(row.pid), 'SIGKILL');
  await eventually('it waits', async () => (await place.processes()).some(({ restartAt }) => restartAt !== null));
  await place.killWithGuardian();
  configure(place, {});
  await place.start();
  expect(await runsAgain(place, Number(row.pid))).toMatchObject({ id: row.id, restarts: 1 });
});

test.each(['in flight', 'failed'] as const)(
  'a kept process whose restart was %s when its worker died is started by the next one (fault 11)',
  async (restart) => {
    await using place = await workerPlace();
    await place.start();
    await place.call({ route: ROUTES.putSession, parameters: { id: 's' }, body: {} });
    expect((await place.cm(['stop'])).code).toBe(0);
    // What a worker does up to the moment in which it is killed.
    const registry = await openProcessRegistry({
      directory: place.files.registry,
      table: place.table,
      createCookie: () => createCookie(place.dataDir),
    });
    const spec = {
      name: 'kept',
      sessionId: 's',
      type: 'process',
      command: 'sleep',
      args: ['300'],
      cwd: '/',
      restart: 'permanent',
      stopSignal: 'SIGTERM',
      graceMs: 500,
      killWaitMs: 1000,
      onWorkerDeath: 'keep',
      envKeys: [],
    } as const;
    const { id } = registry.prepare(spec);
    registry.transition(id, { type: 'exited', code: 1, signal: null });
    const { cookie } = registry.prepareRestart(id, { restarts: { count: 4, at: [], storms: 0 } });
    if (restart === 'failed') registry.transition(id, { type: 'exited', code: null, signal: null });
    await registry.close();
    const env = { ...place.env(), CM_SCOPE: cookie };
    await using half = await startProcess('sleep', ['300'], { detached: true, env });
    await place.start();
    const row = await runsAgain(place, 0);
    expect(row).toMatchObject({ id, restarts: 5 });
    // Started but not yet on record: it is ended before there is another one.
    expect(await half.exit).toEqual({ code: null, signal: 'SIGTERM' });
  },
);

test('what was kept with variables of its own is not started again: the log names them, and no value is on disk', async () => {
  await using place = await workerPlace();
  await place.start();
  const row = await place.spawn('s', 'kept', ['sleep', '300'], { ...KEPT, env: { API_KEY: 'value-of-a-variable' } });
  await place.killWithGuardian();
  await place.start();
  await recovered(place);
  process.kill(Number(row.pid), 'SIGKILL');
  await eventually('the row is gone', async () => (await place.processes()).length === 0);
  const line = logOf(place)
    .split('\n')
    .find((text) => text.includes('the values of its variables were not kept'));
  expect(JSON.parse(line ?? '{}')).toMatchObject({ row: row.id, name: 'kept', keys: ['API_KEY'] });
  expect(logOf(place)).not.toContain('value-of-a-variable');
});

test('what was to end with its worker is not started again by the next one', async () => {
  await using place = await workerPlace();
  configure(place, { restartBackoffMs: 600_000, restartBackoffMaxMs: 600_000 });
  await place.start();
  const runs = await place.spawn('s', 'runs', ['sleep', '300'], { restart: 'permanent' });
  const waits = await place.spawn('s', 'waits', ['sleep', '300'], { restart: 'permanent' });
  process.kill(Number(waits.pid), 'SIGKILL');
  await eventually('it waits', async () => (await place.processes()).some(({ restartAt }) => restartAt !== null));
  await place.killWithGuardian();
  configure(place, {});
  await place.start();
  await place.gone(Number(runs.pid));
  await eventually('no row is left', async () => (await place.processes()).length === 0);
  expect(logOf(place)).not.toContain('"restarts":0,"againInMs":100');
});

test('after an orderly stop nothing is started again, kept or not', async () => {
  await using place = await workerPlace();
  await place.start();
  const row = await place.spawn('s', 'kept', ['sleep', '300'], KEPT);
  expect((await place.cm(['restart'])).code).toBe(0);
  expect(await place.isAlive(Number(row.pid))).toBe(false);
  expect((await checkOf(place, 'recovery')).detail).toBe('nothing was left behind by an earlier worker');
  expect(await place.processes()).toEqual([]);
  expect((await place.call({ route: ROUTES.getSession, parameters: { id: 's' } })) as object).toMatchObject({
    state: 'active',
  });
});

test('a guardian that is switched off is not there, and the doctor says where that was said', async () => {
  await using place = await workerPlace();
  configure(place, { guardian: false });
  await place.start();
  expect(Object((await place.json(['doctor'])).body).guardian).toEqual({
    status: 'absent',
    detail: 'switched off in config.json',
  });
  expect((await place.cm(['doctor'])).stdout).toMatch(/^guardian +absent: switched off in config\.json$/m);
  expect((await place.cm(['doctor'])).code).toBe(0);
});

test('what ended while no worker looked is started again once, however often the next one looks (field failure 40)', async () => {
  await using place = await workerPlace();
  configure(place, { ownerIntervalMs: 1, restartBackoffMs: 1 });
  await place.start();
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const before = await Promise.all(names.map((name) => place.spawn('s', name, ['sleep', '300'], KEPT)));
  await place.killWithGuardian();
  for (const { pid } of before) process.kill(Number(pid), 'SIGKILL');
  for (const { pid } of before) await place.gone(Number(pid));
  await place.start();
  await recovered(place);
  const after = await eventually('all of them run again', async () => {
    const rows = await place.processes();
    return rows.length === names.length && rows.every(({ status }) => status === 'running') && rows;
  });
  expect(after.map(({ restarts, restartStorm }) => [restarts, restartStorm])).toEqual(names.map(() => [1, false]));
  expect(logOf(place)).not.toContain('could not be started again');
});
