import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { probeContainment } from '@cm/shutdown-cascade';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../../tools/testing/eventually.js';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import {
  codeOf,
  environOf,
  field,
  isAlive,
  keysOf,
  listIn,
  numberIn,
  putSession,
  spawnIn,
  startWorker,
  type TestWorker,
} from '../support-api.js';

const spawn = (worker: TestWorker, body: object, session = 's') =>
  worker.call('POST', `/api/sessions/${session}/processes`, { name: 'process', ...body });

const rowsOf = async (worker: TestWorker): Promise<readonly unknown[]> => {
  const { body } = await worker.call('GET', '/api/processes');
  expect(keysOf(body)).toEqual(['processes']);
  return listIn(body, 'processes');
};

const SLEEP = { command: 'sleep', args: ['60'] } as const;

describe('a started process', () => {
  it('is answered with its row, and can be looked up', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's', { cwd: '/' });
    const answer = await spawn(worker, { name: 'server', ...SLEEP });
    expect(answer.status).toBe(201);
    const pid = numberIn(answer.body, 'pid');
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[\w-]+$/),
      name: 'server',
      pid,
      pgid: pid,
      sessionId: 's',
      type: 'process',
      status: 'running',
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      containment: probeContainment().tier,
      command: 'sleep',
      args: ['60'],
      cwd: '/',
      adopted: false,
      restart: 'temporary',
      restarts: 0,
      restartAt: null,
      restartStorm: false,
      restartWaitsForSlot: false,
      exit: null,
      members: [pid],
    });
    const id = String(field(answer.body, 'id'));
    expect((await worker.call('GET', `/api/processes/${id}`)).body).toEqual(answer.body);
    expect(await rowsOf(worker)).toEqual([answer.body]);
    expect(field((await worker.call('GET', '/api/sessions/s')).body, 'processes')).toBe(1);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toBe('sleep\0' + '60\0');
  });

  it('has the pid of the command itself, not of a helper, and leads a group and session of its own', async () => {
    await using directory = await temporaryDirectory();
    await using worker = await startWorker();
    await putSession(worker, 's');
    const path = join(directory.path, 'pid');
    const { pid } = await spawnIn(worker, 's', {
      command: 'sh',
      args: ['-c', 'echo $$ > "$0.tmp"; mv "$0.tmp" "$0"; exec sleep 60', path],
    });
    const written = await eventually('its own pid', () => existsSync(path) && readFileSync(path, 'utf8').trim());
    expect(written).toBe(String(pid));
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [, parent, group, session] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    expect([parent, group, session]).toEqual([process.pid, pid, pid]);
  });

  it('works in its own directory, else the session’s, else the data directory', async () => {
    await using directory = await temporaryDirectory();
    await using worker = await startWorker();
    await putSession(worker, 's', { cwd: '/' });
    await putSession(worker, 'bare');
    const own = await spawn(worker, { ...SLEEP, cwd: directory.path });
    const inherited = await spawn(worker, { ...SLEEP, name: 'inherited' });
    const bare = await spawn(worker, SLEEP, 'bare');
    expect(field(own.body, 'cwd')).toBe(directory.path);
    expect(field(inherited.body, 'cwd')).toBe('/');
    expect(field(bare.body, 'cwd')).toBe(worker.dataDirectory.path);
  });

  it('keeps PATH and HOME, and nothing of the session that started the worker (S2, field failures 56, 57, 61)', async () => {
    await using worker = await startWorker({
      env: {
        HOME: '/home/of/somebody',
        KEPT: 'by the worker',
        OVERRIDDEN: 'by the worker',
        CLAUDECODE: '1',
        CLAUDE_CODE_SESSION_ID: 'outer',
        CLAUDE_CODE_ENTRYPOINT: 'cli',
        MCP_SESSION_ID: 'outer',
        CLAUDE_PID: '1',
        TRACEPARENT: '00-0-0-00',
        CM_SCOPE: 'outer@/elsewhere',
        CLAUDE_CODE_OAUTH_TOKEN: 'kept',
        HTTPS_PROXY: 'http://proxy.invalid',
      },
    });
    await putSession(worker, 's');
    const { pid } = await spawnIn(worker, 's', {
      ...SLEEP,
      env: { OVERRIDDEN: 'by the body', ADDED: 'a=b', EMPTY: '', CM_SCOPE: 'forged' },
    });
    const { CM_SCOPE: scope, ...env } = environOf(pid);
    expect(env).toEqual({
      PATH: process.env.PATH,
      HOME: '/home/of/somebody',
      KEPT: 'by the worker',
      OVERRIDDEN: 'by the body',
      ADDED: 'a=b',
      EMPTY: '',
      CLAUDE_CODE_OAUTH_TOKEN: 'kept',
      HTTPS_PROXY: 'http://proxy.invalid',
    });
    expect(scope).toMatch(new RegExp(`^[0-9a-f]{32}@${worker.dataDirectory.path}$`));
  });

  it('is taken off the list when it ends by itself', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    const { id } = await spawnIn(worker, 's', { command: 'true' });
    const gone = await eventually('the row to be removed', async () => {
      const answer = await worker.call('GET', `/api/processes/${id}`);
      return answer.status === 404 && answer;
    });
    expect(codeOf(gone)).toBe('PROCESS_NOT_FOUND');
    expect(await rowsOf(worker)).toEqual([]);
  });
});

describe('names (field failure 40)', () => {
  it('are taken while their process lives: 409, and the first one is left alone', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    await putSession(worker, 't');
    const first = await spawnIn(worker, 's', SLEEP);
    for (const body of [SLEEP, { ...SLEEP, onDuplicate: 'error' }]) {
      const second = await spawn(worker, body);
      expect([second.status, codeOf(second)]).toEqual([409, 'DUPLICATE_NAME']);
    }
    expect(isAlive(first.pid)).toBe(true);
    expect(await rowsOf(worker)).toHaveLength(1);
    expect((await spawn(worker, SLEEP, 't')).status).toBe(201);
    await worker.call('DELETE', `/api/processes/${first.id}`);
    expect((await spawn(worker, SLEEP)).status).toBe(201);
  });

  it('are handed over when that is asked for, after the first one is dead', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    const first = await spawnIn(worker, 's', SLEEP);
    const second = await spawn(worker, { ...SLEEP, onDuplicate: 'replace' });
    expect(second.status).toBe(201);
    expect(isAlive(first.pid)).toBe(false);
    expect((await rowsOf(worker)).map((row) => field(row, 'pid'))).toEqual([numberIn(second.body, 'pid')]);
  });

  it('go to one of many who ask at once (field failure 50)', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    const answers = await Promise.all(Array.from({ length: 8 }, () => spawn(worker, SLEEP)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(7).fill(409)]);
    expect(await rowsOf(worker)).toHaveLength(1);
  });
});

describe('what cannot be started', () => {
  it('is 422 with the reason, and leaves nothing behind (fault 31, field failure 54)', async () => {
    await using directory = await temporaryDirectory();
    await using worker = await startWorker();
    await putSession(worker, 's');
    const file = join(directory.path, 'file');
    writeFileSync(file, 'no program', { mode: 0o600 });
    for (const [body, errno] of [
      [{ command: '/no/such/program' }, 'ENOENT'],
      [{ command: 'no-such-program-anywhere' }, 'ENOENT'],
      [{ command: file }, 'EACCES'],
      [{ command: directory.path }, 'EACCES'],
      [{ ...SLEEP, cwd: join(directory.path, 'missing') }, 'ENOENT'],
      [{ ...SLEEP, cwd: file }, 'ENOTDIR'],
      [{ command: 'true', args: ['x'.repeat(200_000)] }, 'E2BIG'],
      [{ command: 'true', args: ['\0'] }, 'ERR_INVALID_ARG_VALUE'],
      [{ command: 'true', env: { A: '\0' } }, 'ERR_INVALID_ARG_VALUE'],
    ] as const) {
      const answer = await spawn(worker, body);
      const what = JSON.stringify(body).slice(0, 80);
      expect([answer.status, codeOf(answer)], what).toEqual([422, 'CANNOT_SPAWN']);
      expect(field(answer.body, 'error', 'details'), what).toEqual({ errno });
    }
    expect(await rowsOf(worker)).toEqual([]);
    expect(field((await worker.call('GET', '/api/sessions/s')).body, 'processes')).toBe(0);
    // The name is free again.
    expect((await spawn(worker, SLEEP)).status).toBe(201);
  });

  it('is 422 for what is not in this version (R22)', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    for (const [name, body] of [
      ['envProfile', { envProfile: 'mcp' }],
      ['stdin', { stdin: 'pipe' }],
      ['ready', { ready: { line: 'x' } }],
    ] as const) {
      const answer = await spawn(worker, { ...SLEEP, ...body });
      expect([answer.status, codeOf(answer)], name).toEqual([422, 'NOT_IN_THIS_VERSION']);
      expect(field(answer.body, 'error', 'details'), name).toEqual({ fields: [name] });
    }
    expect(await rowsOf(worker)).toEqual([]);
  });

  it('is 422 for values outside their range', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    for (const body of [
      { name: '' },
      { command: '' },
      { args: [1] },
      { args: 'x' },
      { env: { 'A=B': 'x' } },
      { env: { '': 'x' } },
      { env: { 'A\0': 'x' } },
      { env: { A: 1 } },
      { env: null },
      { graceMs: -1 },
      { graceMs: 1.5 },
      { killWaitMs: '5' },
      { restart: 'always' },
      { stdin: 'inherit' },
      { onDuplicate: 'ignore' },
      { stopSignal: 'SIGSTOP' },
      { stopSignal: 15 },
    ]) {
      const answer = await spawn(worker, { ...SLEEP, ...body });
      expect([answer.status, codeOf(answer)], JSON.stringify(body)).toEqual([422, 'INVALID']);
    }
    expect((await worker.call('POST', '/api/sessions/s/processes', { name: 'n' })).status).toBe(422);
    expect((await worker.call('POST', '/api/sessions/s/processes', SLEEP)).status).toBe(422);
    expect(await rowsOf(worker)).toEqual([]);
  });

  it('is 409 in a session that has ended', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    await worker.call('DELETE', '/api/sessions/s');
    const answer = await spawn(worker, SLEEP);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'SESSION_ENDED']);
    expect(await rowsOf(worker)).toEqual([]);
  });
});
