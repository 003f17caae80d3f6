import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runToEnd } from '../../../../tools/testing/real-process.js';
import { ROUTES } from '../../src/contract/index.js';
import { BUNDLE, eventually, onlyLine, type Place, workerPlace } from '../support.js';

let place: Place;

beforeAll(async () => {
  place = await workerPlace();
  await place.start();
});
afterAll(() => place[Symbol.asyncDispose]());

const post = (sessionId: string, event: string, payload: object, at = new Date().toISOString()): Promise<unknown> =>
  place.call({
    route: ROUTES.postEvent,
    body: { id: randomUUID(), event, sessionId, agent: 'claude-code', at, payload },
  });

test('status says where it is and how it fares', async () => {
  const { pid, version } = place.record();
  const json = await place.json(['status']);
  expect(json.code).toBe(0);
  expect(json.body).toEqual({
    status: 'ok',
    version,
    protocol: 1,
    pid,
    instanceId: place.record().instanceId,
    uptimeSeconds: expect.any(Number),
    readiness: 'ready',
    port: place.port,
    dataDir: place.dataDir,
    startedAt: place.record().startedAt,
    sessions: expect.any(Number),
    processes: expect.any(Number),
    lastEventAt: null,
    spoolDepth: 0,
    lastHookError: null,
  });
  const { code, stdout } = await place.cm(['status']);
  expect(code).toBe(0);
  for (const word of ['ready (ok)', `pid ${pid}`, `127.0.0.1:${place.port}`, place.dataDir, 'uptime', 'spool', 'hooks'])
    expect(stdout).toContain(word);
});

test('ps is a tree by session, down to the grandchildren, also those that left their parents', async () => {
  const file = join(place.path, 'family.sh');
  writeFileSync(file, 'sh -c "sleep 61 & wait" &\n(setsid sh -c "sleep 62; true" &)\nwait\n');
  const row = await place.spawn('tree', 'family', ['sh', file]);
  const shown = await eventually('the whole family', async () => {
    const { code, stdout } = await place.cm(['ps']);
    expect(code).toBe(0);
    return stdout.includes('sleep 61') && stdout.includes('sleep 62') && stdout;
  });
  const lines = shown.split('\n');
  const depthOf = (text: string): number => lines.find((line) => line.includes(text))?.search(/[├└]/) ?? -1;
  expect(lines[0]).toBe(`worker ${place.record().pid}`);
  expect(depthOf('session tree (active)')).toBe(0);
  expect(depthOf(`family [running] ${row.pid} sh ${file}`)).toBe(3);
  expect(lines.find((line) => line.includes('family [running]'))).toMatch(/ \(\d+\.\d [kM]B, \d+ s CPU\)$/);
  expect(depthOf('sh -c sleep 61 & wait')).toBe(6);
  expect(lines.find((line) => / sleep 61$/.test(line))?.search(/[├└]/)).toBe(9);
  expect(lines.find((line) => line.includes('sleep 62; true'))).toContain('(left its parent)');
  const { body } = await place.json(['ps']);
  const [json] = Object(body).processes.filter(({ sessionId }: { sessionId: string }) => sessionId === 'tree');
  expect(json.usage.memoryBytes).toBeGreaterThan(100_000);
  expect(json.usage.cpuMs).toBeGreaterThanOrEqual(0);
  expect(json).toMatchObject({ id: row.id, name: 'family', pid: row.pid, status: 'running' });
  expect(json.members.length).toBe(5);
  await place.json(['end', 'tree']);
});

test('sessions lists the live ones, --all the ended ones too; ids are opaque (R7)', async () => {
  const ids = ['42', '042', '..', 'a/b?c#d%2e', 'ü 😀', 'x'.repeat(256)];
  for (const id of ids) await place.call({ route: ROUTES.putSession, parameters: { id }, body: {} });
  const ended = await place.cm(['end', 'a/b?c#d%2e']);
  expect(ended).toMatchObject({ code: 0, stdout: 'session a/b?c#d%2e ended; it had no processes\n', stderr: '' });
  const idsOf = async (...args: string[]): Promise<string[]> =>
    Object((await place.json(['sessions', ...args])).body).sessions.map(({ id }: { id: string }) => id);
  const [live, all] = await Promise.all([idsOf(), idsOf('--all')]);
  expect(live.filter((id) => ids.includes(id)).sort()).toEqual(ids.filter((id) => !id.includes('/')).sort());
  expect(all.filter((id) => ids.includes(id)).sort()).toEqual([...ids].sort());
  const table = await place.cm(['sessions']);
  expect(table.stdout.split('\n')[0]).toMatch(/^SESSION +STATE +AGENT +OWNER +PROCESSES +SINCE$/);
  expect(table.stdout).toMatch(/^042 +active /m);
  const missing = await place.cm(['end', 'nobody']);
  expect(missing.code).toBe(1);
  expect(onlyLine(missing.stderr)).toContain('there is no session "nobody"');
});

test('events is the timeline, of all sessions or of one', async () => {
  await post('timeline', 'SessionStart', {});
  await post('timeline', 'PreToolUse', { tool_name: 'Bash' });
  await post('elsewhere', 'SessionStart', {});
  const { code, body } = await place.json(['events', 'timeline']);
  expect(code).toBe(0);
  expect(Object(body).events).toMatchObject([
    { event: 'SessionStart', sessionId: 'timeline' },
    { event: 'PreToolUse', payload: { tool_name: 'Bash' } },
  ]);
  const table = await place.cm(['events']);
  expect(table.stdout).toMatch(/^SEQ +AT +SESSION +EVENT +TOOL\n/);
  expect(table.stdout).toMatch(/^\d+ +\S+ +timeline +PreToolUse +Bash$/m);
  expect(table.stdout).toContain('elsewhere');
});

test('nothing that came from elsewhere reaches the terminal as a control character', async () => {
  const evil = 'a\u001b[2J\u202e\u0007b';
  // A comment in parentheses is a time to Date.parse.
  await post(evil, `Ev${evil}`, { tool_name: evil }, `2026-01-01T00:00:00Z`);
  await place.ask({
    route: ROUTES.postEvent,
    body: { id: 'x', event: 'E', sessionId: 's', agent: evil, at: `Jan 1 2026 (${evil})`, payload: {} },
  });
  await place.spawn(evil, evil, ['sh', '-c', `exec sleep 60 # ${evil}`]);
  await place.spawn(evil, `${evil} fails`, ['false'], { restart: 'permanent' });
  writeFileSync(place.files.hookLog, `{"detail":"${evil}"}\n`);
  writeFileSync(join(place.files.spoolNew, `${evil}.json`), 'not JSON');
  await eventually('the bad file is set aside', async () =>
    JSON.stringify((await place.json(['doctor'])).body).includes('set aside'),
  );
  await eventually('it fails too often', async () => (await place.processes()).some((row) => row.restartStorm));
  for (const args of [['ps'], ['sessions', '--all'], ['events'], ['status'], ['doctor'], ['end', evil]]) {
    const { stdout, stderr } = await place.cm(args);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are the subject
    expect({ args, bad: /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.exec(stdout + stderr) }).toEqual({
      args,
      bad: null,
    });
    expect(stdout + stderr).toContain('a·[2J··b');
  }
});

test('a reader that goes away is no error', async () => {
  for (let count = 0; count < 50; count += 1) await post('many', 'Event', { text: 'x'.repeat(100) });
  const command = `"${process.execPath}" "${BUNDLE}" events | head -1; "${process.execPath}" "${BUNDLE}" events --json | true`;
  const piped = await runToEnd('/bin/sh', ['-c', command], { env: place.env(), cwd: place.path });
  expect(piped).toMatchObject({ code: 0, stderr: '' });
  expect(piped.stdout).toMatch(/^SEQ +AT/);
});

test('the doctor’s report is complete and names no value of the environment (R18)', async () => {
  const { code, body } = await place.json(['doctor']);
  expect(Object(body)).toMatchObject({
    supervisor: { running: true, state: 'ready', pid: place.record().pid, port: place.port },
    claim: { status: 'held', by: place.record().pid },
    pidFile: { status: 'alive', pid: place.record().pid, holder: expect.any(String) },
    containment: { tier: expect.any(String), why: expect.any(String), canMiss: expect.any(Array) },
    guardian: { status: 'running' },
    health: { deadProcessPids: [], survivors: [], envClean: true, strippedKeys: [], checks: expect.any(Array) },
    storage: { registry: { status: 'ok', quarantined: [] }, events: { rows: expect.any(Number) } },
    versions: { worker: '0.0.0', artifact: '0.0.0', protocol: 1, node: process.version },
  });
  expect(Object(body).health.checks.filter(({ status }: { status: string }) => status === 'fail')).toEqual([]);
  expect(code).toBe(0);
});
