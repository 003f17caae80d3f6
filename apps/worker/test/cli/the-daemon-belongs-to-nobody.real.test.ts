import { once } from 'node:events';
import { readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { startProcess } from '../../../../tools/testing/real-process.js';
import { BUNDLE, eventually, workerPlace } from '../support.js';

const argumentsOf = (pid: number): string[] => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
const environmentOf = (pid: number): Record<string, string> =>
  Object.fromEntries(
    readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .filter((pair) => pair !== '')
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );

const SESSION_MARKERS = {
  CLAUDECODE: '1',
  CLAUDE_CODE_SESSION: 's',
  CLAUDE_CODE_ENTRYPOINT: 'cli',
  CLAUDE_CODE_SOMETHING_NEW: '1',
  CLAUDE_PID: '99',
  CLAUDE_PROJECT_DIR: '/somewhere',
  CLAUDE_PLUGIN_ROOT: '/somewhere',
  MCP_SESSION_ID: 'm',
  TRACEPARENT: '00-0',
  CM_SCOPE: 'row@/another/data/directory',
};
const CREDENTIALS = {
  CLAUDE_CODE_OAUTH_TOKEN: 'oauth',
  CLAUDE_CODE_USE_BEDROCK: '1',
  ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
  HTTPS_PROXY: 'http://127.0.0.1:9',
};

test('its command line shows the real path, it works in the data directory, and nothing of the session is left (S2, field failures 56-59, 62, 63)', async () => {
  await using place = await workerPlace();
  await place.cm(['stop']);
  const link = join(place.path, 'link');
  symlinkSync(place.dataDir, link);
  // The link dangles until the directory is there.
  await place.start();
  await place.cm(['stop']);
  const started = await place.cm(['start'], {
    env: { CM_DATA_DIR: link, ...SESSION_MARKERS, ...CREDENTIALS, CM_CONTAINMENT: 'group' },
  });
  expect(started).toMatchObject({ code: 0, stderr: '' });
  const { pid, dataDir } = place.record();
  expect(dataDir).toBe(place.dataDir);
  const [node, entry, ...rest] = argumentsOf(pid);
  expect([node, entry]).toEqual([process.execPath, BUNDLE]);
  expect(rest.slice(0, 3)).toEqual(['run', '--data-dir', place.dataDir]);
  expect(readlinkSync(`/proc/${pid}/cwd`)).toBe(place.dataDir);

  const env = environmentOf(pid);
  expect(Object.keys(env).filter((name) => name in SESSION_MARKERS)).toEqual([]);
  expect(env).toMatchObject({ ...CREDENTIALS, CM_DATA_DIR: place.dataDir, CM_CONTAINMENT: 'group', HOME: place.home });
  expect(await place.json(['doctor'])).toMatchObject({
    code: 0,
    body: { health: { envClean: true, strippedKeys: [] } },
  });
});

test('it holds no stream of whoever started it (field failure 62)', async () => {
  await using place = await workerPlace();
  // With inherited streams, the pipes would stay open and `runToEnd` would never see their end.
  await place.start();
  const { pid } = place.record();
  expect([0, 1, 2].map((descriptor) => readlinkSync(`/proc/${pid}/fd/${descriptor}`))).toEqual([
    '/dev/null',
    place.files.bootLog,
    place.files.bootLog,
  ]);
});

test('it survives the SIGKILL of its launcher’s whole group and session (S9, field failure 82, fault 25)', async () => {
  await using place = await workerPlace();
  await using launcher = await startProcess(
    '/bin/sh',
    ['-c', `"${process.execPath}" "${BUNDLE}" start && exec sleep 60`],
    { env: place.env(), cwd: place.path, detached: true },
  );
  expect(await launcher.line(60_000)).toMatch(/^started on /);
  const { pid } = place.record();
  const found = await place.table.identify(pid);
  if (found.status !== 'alive') throw new Error('no worker');
  expect(found.process.sid).toBe(pid);
  process.kill(-launcher.pid, 'SIGKILL');
  expect(await launcher.exit).toEqual({ code: null, signal: 'SIGKILL' });
  expect(await place.json(['status'])).toMatchObject({ code: 0, body: { pid, status: 'ok' } });
});

test('what it writes is for its user alone, and worker.pid says all that is promised and leaves with it', async () => {
  await using place = await workerPlace();
  await place.start();
  const modes = [place.dataDir, place.files.pidFile, place.files.token, place.files.registry, place.files.events];
  expect(modes.map((path) => (statSync(path).mode & 0o777).toString(8))).toEqual(['700', '600', '600', '700', '700']);
  expect(readFileSync(place.files.token, 'utf8')).toMatch(/^[0-9a-f]{64}$/);

  const written: unknown = JSON.parse(readFileSync(place.files.pidFile, 'utf8'));
  const found = await place.table.identify(place.record().pid);
  if (found.status !== 'alive') throw new Error('no worker');
  expect(written).toEqual({
    schema: 1,
    ...found.process.identity,
    port: place.port,
    address: '127.0.0.1',
    startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    version: (await place.cm(['--version'])).stdout.trim(),
    protocol: 1,
    dataDir: place.dataDir,
    instanceId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    proof: { client: expect.stringMatching(/^[0-9a-f]{64}$/), worker: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  expect((await place.cm(['stop'])).code).toBe(0);
  expect(statSync(place.files.pidFile, { throwIfNoEntry: false })).toBeUndefined();
  await eventually('the worker is gone', async () => !(await place.isAlive(found.process.identity.pid)));
});

test('it keeps no pipe of whoever started it, and neither do its children (fault 36)', async () => {
  await using place = await workerPlace();
  // Node closes the low numbers of its own accord, up to the first gap beyond 15.
  const pipe = 40;
  const stdio = Array.from({ length: pipe + 1 }, (_, number): 'pipe' | 'ignore' =>
    number === pipe ? 'pipe' : 'ignore',
  );
  await using start = await startProcess(process.execPath, [BUNDLE, 'start'], { env: place.env(), stdio });
  const stream = [...start.child.stdio].find((_, number) => number === pipe);
  if (!(stream instanceof Readable)) throw new Error('no pipe');
  const ended = once(stream.resume(), 'close');
  expect((await start.exit).code).toBe(0);
  await ended;
  expect(await place.isAlive(place.record().pid)).toBe(true);
});
