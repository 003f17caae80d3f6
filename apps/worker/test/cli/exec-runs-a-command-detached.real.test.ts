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

test('what cannot be run, or is not in this version, ends with 1 and leaves no row', async () => {
  await using place = await workerPlace();
  await place.start();
  const exec = ['exec', '--session', 's', '--create', '-d'];
  const [missing, later] = await Promise.all([
    place.cm([...exec, '--', '/no/such/command']),
    place.cm([...exec, '--restart', 'permanent', '--', 'true']),
  ]);
  expect([missing.code, later.code]).toEqual([1, 1]);
  expect(onlyLine(missing.stderr)).toContain('ENOENT');
  expect(onlyLine(later.stderr)).toContain('not in this version: restart');
  expect(await place.processes()).toEqual([]);
  const attached = await place.cm(['exec', '--session', 's', '--restart', 'permanent', '--', 'true']);
  expect(attached.code).toBe(2);
  expect(onlyLine(attached.stderr)).toContain('--detach');
});
