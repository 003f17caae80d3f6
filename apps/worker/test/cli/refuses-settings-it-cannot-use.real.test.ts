import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { freePort, onlyLine, type Place, workerPlace } from '../support.js';

const configure = (place: Place, text: string): void => {
  mkdirSync(place.dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(place.files.config, text);
};

const refused = async (place: Place, env: Record<string, string> = {}): Promise<string[]> => {
  const both = await Promise.all([place.cm(['start'], { env }), place.cm(['run'], { env })]);
  expect(both.map(({ code, stdout }) => ({ code, stdout }))).toEqual([
    { code: 2, stdout: '' },
    { code: 2, stdout: '' },
  ]);
  expect(existsSync(place.files.pidFile)).toBe(false);
  return both.map(({ stderr }) => onlyLine(stderr));
};

test('config.json: an unknown key, a bad value and bad JSON are named with their line', async () => {
  await using place = await workerPlace();
  const { config } = place.files;
  configure(place, '{\n  "port": 40000,\n  "sweepInterval": 5\n}\n');
  for (const line of await refused(place)) expect(line).toContain(`${config}, line 3: unknown key "sweepInterval"`);
  configure(place, '{\n  "logLevel":\n    "loud"\n}');
  for (const line of await refused(place)) expect(line).toContain(`${config}, line 3: "logLevel" must be one of trace`);
  configure(place, '{\n  "port": 40000\n  "disabled": false\n}');
  for (const line of await refused(place)) expect(line).toContain(`${config}, line 3: not JSON`);
});

test('the environment is checked too', async () => {
  await using place = await workerPlace();
  for (const line of await refused(place, { CM_WORKER_PORT: 'abc' })) expect(line).toContain('CM_WORKER_PORT');
  for (const line of await refused(place, { CM_CONTAINMENT: 'jail' })) expect(line).toContain('auto, cgroup, group');
});

test('where nothing may run, nothing is started', async () => {
  await using place = await workerPlace();
  for (const verb of ['start', 'run']) {
    const { code, stderr } = await place.cm([verb], { env: { CM_DISABLED: '1' } });
    expect({ verb, code }).toEqual({ verb, code: 1 });
    expect(onlyLine(stderr)).toContain('disabled');
  }
  expect(existsSync(place.files.pidFile)).toBe(false);
});

test('a flag outranks the environment, and the environment config.json, which a worker can be stopped without', async () => {
  await using place = await workerPlace();
  const [fromConfig, fromFlag] = [await freePort(), await freePort()];
  configure(place, `{ "port": ${fromConfig}, "logLevel": "debug" }`);
  expect((await place.start('--port', String(fromFlag))).port).toBe(fromFlag);
  expect((await place.cm(['restart'])).code).toBe(0);
  expect(place.record().port).toBe(place.port);
  expect((await place.cm(['restart'], { env: { CM_WORKER_PORT: undefined } })).code).toBe(0);
  expect(place.record().port).toBe(fromConfig);
  configure(place, 'not JSON at all');
  expect(await place.cm(['stop'])).toMatchObject({ code: 0, stderr: '' });
});
