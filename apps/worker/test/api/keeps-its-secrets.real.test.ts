import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { environOf, eventOf, putSession, spawnIn, startWorker, textIn, wire } from '../support-api.js';

it('shows token and proof to nobody: no log, answer, child, or file but their own (fault 43, R18)', async () => {
  await using worker = await startWorker();
  const { dataDirectory, token, logged } = worker;
  const record: unknown = JSON.parse(readFileSync(dataDirectory.pidFile, 'utf8'));
  const client = textIn(record, 'proof', 'client');
  const proof = textIn(record, 'proof', 'worker');
  const secrets = [token, client, proof];
  const answers: string[] = [];
  const say = async (...request: Parameters<typeof worker.call>): Promise<void> => {
    answers.push((await worker.call(...request)).text);
  };

  await putSession(worker, 's');
  const { id, pid } = await spawnIn(worker, 's', { command: 'sleep', args: ['60'] });
  await say('GET', '/api/health');
  await say('GET', '/api/readiness');
  await say('GET', '/api/version');
  await say('GET', '/api/admin/doctor');
  await say('GET', '/api/processes');
  await say('GET', `/api/processes/${id}`);
  await say('GET', '/api/sessions?all=1');
  await say('POST', '/api/events', eventOf());
  await say('GET', '/api/events');
  // Refusals do not repeat what they were given.
  await say('GET', `/api/sessions?token=${token}`);
  await say('GET', `/api/sessions?${token}=1`, undefined, { token: null });
  await say('GET', `/nothing?token=${token}`);
  await say('POST', '/api/events', undefined, { bytes: `{"token":"${token}` });
  await say('POST', '/api/handshake', { client: proof });
  await say('POST', '/api/handshake', { client, more: client });
  await say('GET', '/api/processes', undefined, { token: `${token}0` });
  answers.push(
    (await worker.raw(wire('GET /api/sessions', [`Host: ${token}`, `Authorization: Bearer ${token}`]))).text,
  );
  answers.push((await worker.raw(`GET / HTTP/1.1\r\nAuthorization : ${token}\r\n\r\n`)).text);

  const environment = JSON.stringify(environOf(pid));
  const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  expect(await worker.worker.stop({ reason: 'enough' })).toMatchObject({ problems: [] });

  expect(logged.length).toBeGreaterThan(10);
  const files = readdirSync(dataDirectory.path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !['token', 'worker.pid'].includes(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  expect(files.length).toBeGreaterThan(2);
  for (const secret of secrets) {
    expect(secret).toMatch(/^[0-9a-f-]{16,}$/);
    for (const text of [...answers, ...logged, ...files, environment, commandLine]) expect(text).not.toContain(secret);
  }
});

it('logs requests at debug, by path alone (R28)', async () => {
  await using worker = await startWorker();
  const before = worker.logged.length;
  await worker.call('GET', '/api/sessions?all=1');
  await worker.call('GET', '/nothing?x=1');
  const lines = worker.logged.slice(before).map((line): unknown => JSON.parse(line));
  expect(lines).toEqual([
    { level: 'debug', message: 'request', method: 'GET', path: '/api/sessions', code: 200, ms: expect.any(Number) },
    { level: 'debug', message: 'request', method: 'GET', path: '/nothing', code: 404, ms: expect.any(Number) },
  ]);
});
