import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { probeContainment } from '@cm/shutdown-cascade';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../tools/testing/eventually.js';
import { startProcess } from '../../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import type { Settings } from '../../src/index.js';
import {
  codeOf,
  environOf,
  field,
  isAlive,
  listIn,
  numberIn,
  putSession,
  spawnIn,
  startWorker,
  type TestWorker,
  textIn,
} from '../support-api.js';

const QUICK = { restartBackoffMs: 20 } satisfies Partial<Settings>;
/** Whoever ends waits for its restart for as long as the test lasts. */
const LATE = { restartBackoffMs: 600_000, restartBackoffMaxMs: 600_000 } satisfies Partial<Settings>;
const SLEEP = { command: 'sleep', args: ['60'], graceMs: 500 } as const;
const PERMANENT = { ...SLEEP, restart: 'permanent' } as const;

const worker = (settings: Partial<Settings>): Promise<TestWorker> => startWorker({ settings });

const rowOf = async (on: TestWorker, id: string): Promise<unknown> => {
  const { status, body } = await on.call('GET', `/api/processes/${id}`);
  return status === 200 ? body : undefined;
};

const rowsOf = async (on: TestWorker): Promise<readonly unknown[]> =>
  listIn((await on.call('GET', '/api/processes')).body, 'processes');

/** The row once its process is another one than before. */
const nextRun = (on: TestWorker, id: string, before: number): Promise<unknown> =>
  eventually('it runs again', async () => {
    const row = await rowOf(on, id);
    return field(row, 'status') === 'running' && field(row, 'pid') !== before && row;
  });

/** The row once it waits for its restart. */
const waiting = (on: TestWorker, id: string): Promise<unknown> =>
  eventually('it waits for its restart', async () => {
    const row = await rowOf(on, id);
    return typeof field(row, 'restartAt') === 'string' && row;
  });

const gone = (on: TestWorker, id: string): Promise<unknown> =>
  eventually('the row is gone', async () => (await rowOf(on, id)) === undefined);

/** The directory of a process's cgroup, where there is one for it alone. */
const cgroupOf = (pid: number): string | undefined => {
  const [, path = '/'] = /^0::(.+)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8')) ?? [];
  return ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']
    .map((mount) => join(mount, path))
    .find((directory) => path !== '/' && existsSync(join(directory, 'cgroup.procs')));
};

const checkOf = async (on: TestWorker, id: string): Promise<unknown> =>
  listIn((await on.call('GET', '/api/admin/doctor')).body, 'health', 'checks').find(
    (check) => field(check, 'id') === id,
  );

describe('a permanent process', () => {
  test('runs again under its row, name and log, with its variables; only pid, cookie and cgroup are new (field failure 40)', async () => {
    await using on = await worker(QUICK);
    await putSession(on, 's');
    const { id, pid } = await spawnIn(on, 's', {
      ...PERMANENT,
      command: 'sh',
      args: ['-c', 'echo up; exec sleep 60'],
      env: { SECRET: 'value-of-a-variable' },
    });
    const before = environOf(pid);
    const cgroup = cgroupOf(pid);
    expect(cgroup !== undefined).toBe(probeContainment().tier === 'cgroup');
    process.kill(pid, 'SIGKILL');
    const row = await nextRun(on, id, pid);
    expect(row).toMatchObject({ id, name: 'process', restarts: 1, restartAt: null, exit: null, status: 'running' });
    const next = numberIn(row, 'pid');
    expect(environOf(next)).toEqual({ ...before, CM_SCOPE: expect.stringMatching(/^[0-9a-f]{32}@/) });
    expect(environOf(next).CM_SCOPE).not.toBe(before.CM_SCOPE);
    expect(cgroup !== undefined && existsSync(cgroup)).toBe(false);
    const log = join(on.dataDirectory.logs, `${id}.log`);
    await eventually('both have written to one log', () => readFileSync(log, 'utf8') === 'up\nup\n');
    expect(await rowsOf(on)).toHaveLength(1);
    for (const path of ['registry/processes.journal', 'registry/processes.snapshot']) {
      const file = join(on.dataDirectory.path, path);
      if (existsSync(file)) expect(readFileSync(file, 'utf8')).not.toContain('value-of-a-variable');
    }
    await on.call('DELETE', `/api/processes/${id}`);
    expect([isAlive(next), await rowsOf(on)]).toEqual([false, []]);
  });

  test('does so after exit code 0 as well, again and again', async () => {
    await using on = await worker({ ...QUICK, restartIntensity: 3 });
    await putSession(on, 's');
    const { id } = await spawnIn(on, 's', { command: 'true', restart: 'permanent' });
    const row = await eventually('it pauses', async () => {
      const found = await rowOf(on, id);
      return field(found, 'restartStorm') === true && found;
    });
    expect(row).toMatchObject({ restarts: 3, status: 'exited', exit: { code: 0, signal: null, reason: 'crashed' } });
  });

  test('starts when all of its predecessor is dead: who left its group and ignores SIGTERM too (field failures 39, 40, 41)', async () => {
    await using directory = await temporaryDirectory();
    await using on = await worker({ ...QUICK, containment: 'group' });
    await putSession(on, 's');
    const ready = join(directory.path, 'ready');
    const script = [
      'echo "$$ $(cat "$0" 2>/dev/null)" >> "$0.starts"',
      `setsid sh -c 'trap "" TERM; echo $$ > "$0.tmp"; mv "$0.tmp" "$0"; while :; do sleep 1; done' "$0" &`,
      'while [ ! -e "$0" ]; do sleep 0.01; done',
      'exec sleep 60',
    ];
    const { id, pid } = await spawnIn(on, 's', { ...PERMANENT, command: 'sh', args: ['-c', script.join('\n'), ready] });
    const member = Number(await eventually('its member', () => existsSync(ready) && readFileSync(ready, 'utf8')));
    process.kill(pid, 'SIGKILL');
    await eventually('the next run', () => {
      // The last look at the member is the one that counts: alive here, with a successor there, is the failure.
      const alive = isAlive(member);
      const starts = readFileSync(`${ready}.starts`, 'utf8').trim().split('\n').length;
      if (alive && starts > 1) throw new Error('two generations at once');
      return starts > 1;
    });
    expect(isAlive(member)).toBe(false);
    await nextRun(on, id, pid);
  });
});

describe('a transient process', () => {
  test('runs again when it failed, and not when it is done or was told to go from outside (field failure 26)', async () => {
    await using on = await worker(LATE);
    await putSession(on, 's');
    const start = (name: string, script: string) =>
      spawnIn(on, 's', { name, command: 'sh', args: ['-c', script], restart: 'transient' });
    const [done, told, by143, failed] = [
      await start('done', 'exit 0'),
      await start('told', 'exec sleep 60'),
      await start('by143', 'exit 143'),
      await start('failed', 'exit 3'),
    ];
    process.kill(told.pid, 'SIGTERM');
    for (const { id } of [done, told, by143]) await gone(on, id);
    expect(await waiting(on, failed.id)).toMatchObject({ exit: { code: 3, reason: 'crashed' }, restarts: 0 });
  });
});

test('a stop that was asked for starts nothing again, whichever way it is asked (field failure 26)', async () => {
  await using on = await worker(QUICK);
  for (const session of ['one', 'two']) await putSession(on, session);
  const one = await spawnIn(on, 'one', PERMANENT);
  const two = await spawnIn(on, 'two', PERMANENT);
  expect((await on.call('DELETE', `/api/processes/${one.id}`)).body).toMatchObject({ ok: true });
  expect((await on.call('DELETE', '/api/sessions/two')).body).toMatchObject({ ok: true });
  expect([isAlive(one.pid), isAlive(two.pid), await rowsOf(on)]).toEqual([false, false, []]);
  expect(on.logged.filter((line) => line.includes('started again'))).toEqual([]);
  expect(await checkOf(on, 'crashes')).toMatchObject({ status: 'pass' });
});

describe('a restart that is pending', () => {
  const crashed = async (on: TestWorker, more: object = {}): Promise<string> => {
    await putSession(on, 's');
    const { id, pid } = await spawnIn(on, 's', { ...PERMANENT, ...more });
    process.kill(pid, 'SIGKILL');
    await waiting(on, id);
    return id;
  };

  test('shows its end and when it comes; sweeps spare it, and the doctor does not call it dead', async () => {
    await using on = await worker(LATE);
    const id = await crashed(on);
    const row = await rowOf(on, id);
    expect(row).toMatchObject({
      status: 'exited',
      exit: { code: null, signal: 'SIGKILL', reason: 'crashed' },
      restarts: 0,
      restartStorm: false,
      members: [],
    });
    const inMs = Date.parse(textIn(row, 'restartAt')) - Date.now();
    expect(inMs).toBeGreaterThan(500_000);
    expect(inMs).toBeLessThanOrEqual(600_000);
    await on.worker.supervisor.sweep();
    expect(await rowOf(on, id)).toEqual(row);
    expect(await checkOf(on, 'dead-processes')).toMatchObject({ status: 'pass' });
  });

  test('holds its name: 409 says when it comes; an adopted process does not get it either (field failure 40)', async () => {
    await using on = await worker(LATE);
    const id = await crashed(on);
    const at = textIn(await rowOf(on, id), 'restartAt');
    const second = await on.call('POST', '/api/sessions/s/processes', { name: 'process', ...SLEEP });
    expect([second.status, codeOf(second)]).toEqual([409, 'DUPLICATE_NAME']);
    expect(textIn(second.body, 'error', 'message')).toContain(`started again at ${at}`);
    await using guest = await startProcess('sleep', ['60']);
    const adopted = await on.call('POST', '/api/sessions/s/adopt', { pid: guest.pid, name: 'process' });
    expect([adopted.status, codeOf(adopted)]).toEqual([409, 'DUPLICATE_NAME']);
    expect((await rowsOf(on)).map((row) => field(row, 'id'))).toEqual([id]);
  });

  test('is cancelled by whoever replaces it', async () => {
    await using on = await worker(LATE);
    const id = await crashed(on);
    const answer = await on.call('POST', '/api/sessions/s/processes', {
      name: 'process',
      ...PERMANENT,
      onDuplicate: 'replace',
    });
    expect(answer.status).toBe(201);
    expect((await rowsOf(on)).map((row) => field(row, 'pid'))).toEqual([numberIn(answer.body, 'pid')]);
    expect(await rowOf(on, id)).toBeUndefined();
  });

  test('is cancelled by DELETE, and the row goes (fault 27)', async () => {
    await using on = await worker(LATE);
    const id = await crashed(on);
    expect((await on.call('DELETE', `/api/processes/${id}`)).body).toMatchObject({ ok: true, survivors: [] });
    expect((await on.call('DELETE', `/api/processes/${id}`)).status).toBe(404);
    expect((await on.call('POST', '/api/sessions/s/processes', { name: 'process', ...SLEEP })).status).toBe(201);
  });

  test('is cancelled by the end of its session, and the row goes (fault 27)', async () => {
    await using on = await worker(LATE);
    const id = await crashed(on);
    expect((await on.call('DELETE', '/api/sessions/s')).body).toMatchObject({ ok: true, survivors: [] });
    expect(await rowOf(on, id)).toBeUndefined();
    expect(field((await on.call('GET', '/api/sessions/s')).body, 'processes')).toBe(0);
  });

  test('is cancelled by the stop of the worker: nothing starts, and nothing is left for the next one (fault 27, R12)', async () => {
    await using directory = await temporaryDirectory();
    await using on = await worker({ ...QUICK, restartBackoffMs: 300 });
    const id = await crashed(on, {
      command: 'sh',
      args: ['-c', 'echo up >> "$0"; exec sleep 60', join(directory.path, 'starts')],
    });
    expect(await on.worker.stop({ reason: 'test' })).toMatchObject({ problems: [], children: { ok: true } });
    const { dataDirectory } = on;
    await using next = await startWorker({ dataDirectory, settings: QUICK });
    await eventually('it has recovered', async () =>
      textIn(await checkOf(next, 'recovery'), 'detail').includes('nothing was left'),
    );
    expect(await rowOf(next, id)).toBeUndefined();
    expect(readFileSync(join(directory.path, 'starts'), 'utf8')).toBe('up\n');
  });
});

test('the stop of the worker keeps its budget, also while what is left of a predecessor is given its grace (fault 27)', async () => {
  await using directory = await temporaryDirectory();
  await using on = await worker({ ...QUICK, childrenStopMs: 1_500 });
  await putSession(on, 's');
  const ready = join(directory.path, 'ready');
  const script = `sh -c 'trap "" TERM; echo $$ > "$0.tmp"; mv "$0.tmp" "$0"; while :; do sleep 1; done' "$0" & exec sleep 60`;
  const { id, pid } = await spawnIn(on, 's', {
    command: 'sh',
    args: ['-c', script, ready],
    restart: 'permanent',
    graceMs: 600_000,
  });
  const member = Number(await eventually('its member', () => existsSync(ready) && readFileSync(ready, 'utf8')));
  process.kill(pid, 'SIGKILL');
  await waiting(on, id);
  expect(await on.worker.stop({ reason: 'test' })).toMatchObject({ problems: [], children: { ok: true } });
  expect(isAlive(member)).toBe(false);
});

describe('a stop that comes while a spawn is in flight', () => {
  test('waits for a first start, and then stops it (fault 27)', async () => {
    await using on = await worker(QUICK);
    await putSession(on, 's');
    const spawning = on.call('POST', '/api/sessions/s/processes', { name: 'process', ...PERMANENT });
    const id = await eventually('the intent', async () => {
      const [row] = await on.worker.supervisor.processes();
      return row?.id;
    });
    const stopped = await on.call('DELETE', `/api/processes/${id}`);
    const answer = await spawning;
    expect([answer.status, stopped.status]).toEqual([201, 200]);
    expect(stopped.body).toMatchObject({ ok: true, targets: [{ id, pid: numberIn(answer.body, 'pid') }] });
    expect([isAlive(numberIn(answer.body, 'pid')), await rowsOf(on)]).toEqual([false, []]);
  });

  test('whenever it comes, nothing lives on: 20 crashes, each with a stop at another moment (fault 27)', async () => {
    await using directory = await temporaryDirectory();
    await using on = await worker({ restartBackoffMs: 1 });
    const pids = join(directory.path, 'pids');
    for (let round = 0; round < 20; round += 1) {
      await putSession(on, 's');
      const { id, pid } = await spawnIn(on, 's', {
        ...PERMANENT,
        command: 'sh',
        args: ['-c', 'echo $$ >> "$0"; exec sleep 60', pids],
      });
      process.kill(pid, 'SIGKILL');
      // From before the exit is heard of to after the successor runs: a spawn takes some ten milliseconds.
      await new Promise((resolve) => setTimeout(resolve, round * 2));
      const way = round % 2 === 0 ? `/api/processes/${id}` : '/api/sessions/s';
      expect((await on.call('DELETE', way)).body).toMatchObject({ ok: true, survivors: [] });
      expect(await rowsOf(on)).toEqual([]);
    }
    const started = readFileSync(pids, 'utf8').trim().split('\n').map(Number);
    expect(started.filter(isAlive)).toEqual([]);
  });
});

describe('a restart that cannot be carried out', () => {
  test('is tried again until it can, under the same row; the doctor says why (fault 31, field failure 55)', async () => {
    await using directory = await temporaryDirectory();
    await using on = await worker({ ...QUICK, restartIntensity: 1000 });
    await putSession(on, 's');
    const [program, away] = [join(directory.path, 'program'), join(directory.path, 'away')];
    writeFileSync(program, '#!/bin/sh\necho value-on-stderr >&2\nexec sleep 60\n', { mode: 0o700 });
    const { id, pid } = await spawnIn(on, 's', { ...PERMANENT, command: program, args: [] });
    renameSync(program, away);
    process.kill(pid, 'SIGKILL');
    const failing = await eventually('two attempts', async () => {
      const row = await rowOf(on, id);
      return Number(field(row, 'restarts')) >= 2 && field(row, 'status') === 'exited' && row;
    });
    expect(failing).toMatchObject({ id, pid: null, exit: { code: null, signal: null, reason: 'crashed' } });
    const check = await checkOf(on, 'crashes');
    expect(check).toMatchObject({ status: 'warn', fix: `see ${join(on.dataDirectory.logs, `${id}.log`)}` });
    expect(textIn(check, 'detail')).toMatch(/"process" of session "s", cannot start .*: ENOENT/);
    renameSync(away, program);
    const row = await nextRun(on, id, pid);
    expect(row).toMatchObject({ exit: null, restartAt: null });
    expect(isAlive(numberIn(row, 'pid'))).toBe(true);
  });

  test('and waits without a process is removed by DELETE like any other (fault 27)', async () => {
    await using directory = await temporaryDirectory();
    await using on = await worker({ ...QUICK, restartIntensity: 1 });
    await putSession(on, 's');
    const [program, away] = [join(directory.path, 'program'), join(directory.path, 'away')];
    writeFileSync(program, '#!/bin/sh\nexec sleep 60\n', { mode: 0o700 });
    const { id, pid } = await spawnIn(on, 's', { ...PERMANENT, command: program, args: [] });
    renameSync(program, away);
    process.kill(pid, 'SIGKILL');
    await eventually('a failed attempt', async () => field(await rowOf(on, id), 'pid') === null);
    await waiting(on, id);
    expect((await on.call('DELETE', `/api/processes/${id}`)).body).toMatchObject({ ok: true, targets: [] });
    expect(await rowsOf(on)).toEqual([]);
  });
});

test('a storm ends, is said where people look, and recovers after the period (fault 30, field failures 12, 15, 27)', async () => {
  await using directory = await temporaryDirectory();
  await using on = await worker({ restartBackoffMs: 1, restartIntensity: 2, restartPeriodMs: 1_500 });
  await putSession(on, 's');
  const starts = join(directory.path, 'starts');
  const { id } = await spawnIn(on, 's', {
    command: 'sh',
    args: ['-c', 'date +%s%3N >> "$0"; echo value-on-stderr >&2; exit 7', starts],
    restart: 'transient',
  });
  const startedAt = (): number[] => readFileSync(starts, 'utf8').trim().split('\n').map(Number);
  const row = await eventually('it pauses', async () => {
    const found = await rowOf(on, id);
    return field(found, 'restartStorm') === true && found;
  });
  expect(row).toMatchObject({ restarts: 2, exit: { code: 7 } });
  expect(startedAt()).toHaveLength(3);
  const check = await checkOf(on, 'restarts');
  expect(check).toMatchObject({
    status: 'warn',
    fix: `cm-worker end s, or DELETE /api/processes/${id}`,
  });
  for (const part of ['"process" of session "s"', '2 times', textIn(row, 'restartAt'), `${id}.log`]) {
    expect(textIn(check, 'detail')).toContain(part);
  }
  expect(on.logged.filter((line) => line.includes('restarted too often') && line.includes('"warn"'))).toHaveLength(1);
  const crashes = await checkOf(on, 'crashes');
  expect(textIn(crashes, 'detail')).toMatch(/3 failed .*"process" of session "s", exit code 7, at /);
  expect(JSON.stringify([check, crashes])).not.toContain('value-on-stderr');

  const again = await eventually('it is started again', () => startedAt().length > 3 && startedAt(), 20_000);
  const [, , third = 0, fourth = 0] = again;
  expect(fourth - third).toBeGreaterThanOrEqual(1_500 - 20);
  await on.call('DELETE', '/api/sessions/s');
  expect(await checkOf(on, 'restarts')).toMatchObject({ status: 'pass' });
});

test('two who replace at once: each ends its predecessor, and one runs (field failure 40)', async () => {
  await using directory = await temporaryDirectory();
  await using on = await worker(QUICK);
  await putSession(on, 's');
  const pids = join(directory.path, 'pids');
  const body = {
    name: 'process',
    ...PERMANENT,
    command: 'sh',
    args: ['-c', 'echo $$ >> "$0"; exec sleep 60', pids],
    onDuplicate: 'replace',
  };
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => on.call('POST', '/api/sessions/s/processes', body)),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(201));
  const [row, ...others] = await rowsOf(on);
  expect(others).toEqual([]);
  const alive = (): number[] => answers.map(({ body: answer }) => numberIn(answer, 'pid')).filter(isAlive);
  expect(alive()).toEqual([numberIn(row, 'pid')]);
});
