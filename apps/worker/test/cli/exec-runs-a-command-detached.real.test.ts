import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { probeContainment } from '@cm/shutdown-cascade';
import { expect, test } from 'vitest';
import { eventually, onlyLine, workerPlace } from '../support.js';

test('-d has the worker run it: the row is printed, its output is logged, and it ends with its session', async () => {
  await using place = await workerPlace();
  await place.start();
  const text = 'echo "$ONE in $PWD"; echo oops >&2; exec sleep 60';
  const args = ['--session', 's', '--create', '-d', '--name', 'job', '--type', 'mcp', '--env', 'ONE=1'];
  const { code, body } = await place.json(['exec', ...args, '--', 'sh', '-c', text]);
  expect(code).toBe(0);
  expect(body).toMatchObject({
    id: expect.any(String),
    name: 'job',
    pid: expect.any(Number),
    pgid: expect.any(Number),
    sessionId: 's',
    type: 'mcp',
    status: 'running',
    startedAt: expect.any(String),
    containment: probeContainment().tier,
    adopted: false,
  });
  const { id, pid } = Object(body);
  expect((await place.processes()).map((row) => row.id)).toEqual([id]);
  const log = join(place.files.logs, `${id}.log`);
  await eventually('its log', () => {
    const lines = readFileSync(log, 'utf8');
    return lines.includes(`1 in ${place.path}\n`) && lines.includes('oops\n');
  });

  const plain = await place.cm(['exec', '--session', 's', '-d', '--name', 'two', '--', 'sleep', '60']);
  expect(plain).toMatchObject({ code: 0, stderr: '' });
  expect(onlyLine(plain.stdout)).toMatch(/^\S+ two \(pid \d+\)$/);

  expect(await place.json(['end', 's'])).toMatchObject({ code: 0, body: { ok: true } });
  expect(await place.isAlive(pid)).toBe(false);
  expect(await place.processes()).toEqual([]);
});

test('--restart has it started again when it ends, under the same row', async () => {
  await using place = await workerPlace();
  await place.start();
  const exec = ['exec', '--session', 's', '--create', '-d', '--name', 'job', '--restart', 'permanent'];
  const { code, body } = await place.json([...exec, '--', 'sleep', '60']);
  expect({ code, body }).toMatchObject({ code: 0, body: { restart: 'permanent', restarts: 0, restartAt: null } });
  const { id, pid } = Object(body);
  process.kill(pid, 'SIGKILL');
  const [again] = await eventually('it runs again', async () => {
    const rows = await place.processes();
    return rows.some((row) => row.status === 'running' && row.pid !== pid) && rows;
  });
  expect(again).toMatchObject({ id, name: 'job', restarts: 1, restartAt: null, exit: null });
  expect((await place.cm(['ps'])).stdout).toMatch(/job \[running\] \d+ sleep 60 .*restarts 1$/m);
});

test('what cannot be run ends with 1 and leaves no row', async () => {
  await using place = await workerPlace();
  await place.start();
  const exec = ['exec', '--session', 's', '--create', '-d', '--restart', 'permanent'];
  const missing = await place.cm([...exec, '--', '/no/such/command']);
  expect(missing.code).toBe(1);
  expect(onlyLine(missing.stderr)).toContain('ENOENT');
  expect(await place.processes()).toEqual([]);
  const attached = await place.cm(['exec', '--session', 's', '--restart', 'permanent', '--', 'true']);
  expect(attached.code).toBe(2);
  expect(onlyLine(attached.stderr)).toContain('--detach');
});
