import { describe, expect, it } from 'vitest';
import { eventually } from '../../../../tools/testing/eventually.js';
import { startProcess } from '../../../../tools/testing/real-process.js';
import {
  codeOf,
  field,
  isAlive,
  listIn,
  numberIn,
  putSession,
  spawnIn,
  startTokenOf,
  startWorker,
  type TestWorker,
} from '../support-api.js';

const adopt = (worker: TestWorker, body: object, session = 's') =>
  worker.call('POST', `/api/sessions/${session}/adopt`, { name: 'adopted', ...body });

const countOf = async (worker: TestWorker): Promise<number> =>
  listIn((await worker.call('GET', '/api/processes')).body, 'processes').length;

describe('what may not be adopted', () => {
  it('is 422 for numbers that are nobody’s pid (R20, fault 7)', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    for (const pid of [0, 1, -1, -process.pid, 2 ** 31, 2 ** 31 - 1, 2 ** 53, 1.5]) {
      const answer = await adopt(worker, { pid });
      expect([answer.status, codeOf(answer)], String(pid)).toEqual([422, 'NOT_ADOPTABLE']);
    }
    for (const pid of ['12', '12abc', null, [1], true]) {
      const answer = await adopt(worker, { pid });
      expect([answer.status, codeOf(answer)], String(pid)).toEqual([422, 'INVALID']);
    }
    expect((await adopt(worker, {})).status).toBe(422);
    expect(await countOf(worker)).toBe(0);
  });

  it('is 422 for the worker, and for whoever started it (R20, field failure 1)', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    for (const [pid, why] of [
      [process.pid, /the worker itself/],
      [process.ppid, /ancestor/],
    ] as const) {
      const answer = await adopt(worker, { pid });
      expect([answer.status, codeOf(answer)]).toEqual([422, 'NOT_ADOPTABLE']);
      expect(field(answer.body, 'error', 'message')).toMatch(why);
    }
    expect(await countOf(worker)).toBe(0);
  });

  it('is 422 for the dead, and for who is not the one meant', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    const dead = await startProcess('true');
    await dead.exit;
    expect(codeOf(await adopt(worker, { pid: dead.pid }))).toBe('NOT_ADOPTABLE');
    await using foreign = await startProcess('sleep', ['60']);
    const answer = await adopt(worker, { pid: foreign.pid, startToken: `${startTokenOf(foreign.pid)}0` });
    expect([answer.status, codeOf(answer)]).toEqual([422, 'NOT_ADOPTABLE']);
    await worker.call('DELETE', '/api/sessions/s');
    expect(isAlive(foreign.pid)).toBe(true);
  });

  it('is 409 for what is ours already, leader or member (field failure 40)', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    const { id, pid } = await spawnIn(worker, 's', { command: 'sh', args: ['-c', 'sleep 60 & wait'] });
    const member = await eventually('a member beside the leader', async () => {
      const { body } = await worker.call('GET', `/api/processes/${id}`);
      return listIn(body, 'members').find((one) => one !== pid);
    });
    for (const ours of [pid, member]) {
      const answer = await adopt(worker, { pid: ours });
      expect([answer.status, codeOf(answer)], String(ours)).toEqual([409, 'ALREADY_OURS']);
    }
    expect(await countOf(worker)).toBe(1);
  });

  it('is 409 in a session that has ended, and 422 without a name', async () => {
    await using worker = await startWorker();
    await using foreign = await startProcess('sleep', ['60']);
    await putSession(worker, 's');
    expect((await worker.call('POST', '/api/sessions/s/adopt', { pid: foreign.pid })).status).toBe(422);
    await worker.call('DELETE', '/api/sessions/s');
    expect(codeOf(await adopt(worker, { pid: foreign.pid }))).toBe('SESSION_ENDED');
  });
});

describe('a foreign process', () => {
  it('is adopted with its row, and stopped by the session’s end like a child', async () => {
    await using worker = await startWorker();
    await using foreign = await startProcess('sleep', ['60']);
    await using bystander = await startProcess('sleep', ['60']);
    await putSession(worker, 's');
    const startToken = startTokenOf(foreign.pid);
    const answer = await adopt(worker, { pid: foreign.pid, startToken, name: 'guest', type: 'mcp' });
    expect(answer.status, answer.text).toBe(201);
    expect(answer.body).toMatchObject({
      name: 'guest',
      pid: foreign.pid,
      sessionId: 's',
      type: 'mcp',
      status: 'running',
      command: 'sleep',
      args: ['60'],
      adopted: true,
      members: [foreign.pid],
    });
    expect(codeOf(await adopt(worker, { pid: foreign.pid, name: 'again' }))).toBe('ALREADY_OURS');

    const ended = await worker.call('DELETE', '/api/sessions/s');
    expect(ended.body).toMatchObject({ ok: true, targets: [{ pid: foreign.pid, outcome: 'exited' }], survivors: [] });
    expect(await foreign.exit).toEqual({ code: null, signal: 'SIGTERM' });
    expect(isAlive(bystander.pid)).toBe(true);
  });

  it('is adopted once, however many ask at once', async () => {
    await using worker = await startWorker();
    await using foreign = await startProcess('sleep', ['60']);
    await putSession(worker, 's');
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, index) => adopt(worker, { pid: foreign.pid, name: `guest ${index}` })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    expect(await countOf(worker)).toBe(1);
  });

  it('is taken off the list when it ends by itself', async () => {
    await using worker = await startWorker({ settings: { ownerIntervalMs: 50 } });
    await using foreign = await startProcess('sleep', ['60']);
    await putSession(worker, 's');
    const row = await adopt(worker, { pid: foreign.pid });
    expect(numberIn(row.body, 'pid')).toBe(foreign.pid);
    foreign.child.kill('SIGKILL');
    await eventually('the row to be removed', async () => (await countOf(worker)) === 0);
  });
});
