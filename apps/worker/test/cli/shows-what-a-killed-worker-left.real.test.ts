import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually, onlyLine, type Place, workerPlace } from '../support.js';

const filesOf = ({ files }: Place): unknown[] =>
  readdirSync(files.registry).map((name) => [name, readFileSync(join(files.registry, name), 'latin1')]);

const checkOf = (body: unknown, wanted: string): { status: string; detail: string; fix?: string } =>
  Object(body).health.checks.find(({ id }: { id: string }) => id === wanted);

describe('after a worker was killed', () => {
  test('ps and the doctor show what is on record and what became of it, and change nothing (faults 11, 13)', async () => {
    await using place = await workerPlace();
    await place.start();
    const living = await place.spawn('one', 'living', ['sleep', '300']);
    const ended = await place.spawn('two', 'ended', ['sleep', '300']);
    await place.killWithGuardian();
    process.kill(Number(ended.pid), 'SIGKILL');
    await place.gone(Number(ended.pid));
    const before = filesOf(place);

    const { code, stdout, stderr } = await place.cm(['ps']);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^no worker; on record\n/);
    expect(stdout).toMatch(new RegExp(`session one\\n.*living \\[alive\\] ${living.pid} sleep 300$`, 'm'));
    expect(stdout).toMatch(new RegExp(`session two\\n.*ended \\[gone\\] ${ended.pid} sleep 300$`, 'm'));
    expect(onlyLine(stderr)).toContain('start it with cm-worker start');
    const listed = await place.json(['ps']);
    expect(listed).toMatchObject({
      code: 3,
      body: {
        processes: [
          { id: living.id, sessionId: 'one', liveness: 'alive', members: [living.pid] },
          { id: ended.id, sessionId: 'two', liveness: 'dead', members: [] },
        ],
      },
    });

    const { body } = await place.json(['doctor']);
    expect(Object(body)).toMatchObject({
      supervisor: { running: false },
      processes: [{ id: living.id }, { id: ended.id }],
      health: { deadProcessPids: [ended.pid] },
    });
    const check = checkOf(body, 'left-behind');
    expect(check).toEqual({
      id: 'left-behind',
      status: 'warn',
      detail: `the last worker left 2 rows in 2 sessions; alive: ${living.pid}`,
      fix: expect.stringContaining('cm-worker recover --once'),
    });
    expect(filesOf(place)).toEqual(before);
    expect(await place.isAlive(Number(living.pid))).toBe(true);

    expect(await place.cm(['recover', '--once'])).toMatchObject({ code: 0 });
    await place.gone(Number(living.pid));
    expect(await place.cm(['ps'])).toMatchObject({ code: 3, stdout: '' });
    expect(checkOf((await place.json(['doctor'])).body, 'left-behind')).toMatchObject({ status: 'pass' });
  });

  test('a registry of a newer version is named and left alone (fault 15)', async () => {
    await using place = await workerPlace();
    await place.start();
    expect((await place.cm(['stop'])).code).toBe(0);
    const path = join(place.files.registry, 'processes.journal');
    writeFileSync(path, '{"schema":99,"kind":"journal"}\n');
    const { code, stdout, stderr } = await place.cm(['ps']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      expect.stringContaining('schema 99'),
      expect.stringContaining('start it with cm-worker start'),
      '',
    ]);
    const report = await place.json(['doctor']);
    expect(report.code).toBe(1);
    expect(checkOf(report.body, 'left-behind')).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('schema 99'),
    });
    expect(onlyLine((await place.cm(['start'])).stderr)).toContain('schema 99');
    expect(readFileSync(path, 'utf8')).toBe('{"schema":99,"kind":"journal"}\n');
  });
});

test('a damaged registry is not called an empty one (fault 15)', async () => {
  await using place = await workerPlace();
  await place.start();
  await place.spawn('one', 'living', ['sleep', '300']);
  await place.killWithGuardian();
  writeFileSync(join(place.files.registry, 'processes.journal'), '{"schema":1,"kind":"journal"}\ngarbage\n');
  expect(checkOf((await place.json(['doctor'])).body, 'left-behind')).toMatchObject({
    status: 'warn',
    detail: '1 records are damaged; 0 can be read',
  });
  expect(await place.json(['ps'])).toEqual({ code: 3, body: { processes: [] } });
});

test('ps shows what a worker has on record that does not answer, and neither waits for it', async () => {
  await using place = await workerPlace();
  const { pid } = await place.start();
  const row = await place.spawn('one', 'living', ['sleep', '300']);
  process.kill(pid, 'SIGSTOP');
  try {
    const { code, stdout, stderr } = await place.cm(['ps']);
    expect(code).toBe(1);
    expect(stdout).toMatch(new RegExp(`living \\[alive\\] ${row.pid} sleep 300$`, 'm'));
    expect(stdout).toMatch(/^the worker does not answer; on record\n/);
    expect(onlyLine(stderr)).toContain('not reachable');
    const report = await place.json(['doctor']);
    expect(report.code).toBe(1);
    expect(checkOf(report.body, 'worker')).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining(`pid ${pid}`),
      fix: expect.stringContaining('cm-worker stop --force'),
    });
    // Nobody has left anything behind.
    expect(checkOf(report.body, 'left-behind')).toBeUndefined();
    expect(checkOf(report.body, 'pid-file')).toMatchObject({ status: 'pass' });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await eventually('it answers again', async () => (await place.cm(['status'])).code === 0);
});
