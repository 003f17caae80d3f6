import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessTable, type ProcessTable } from '@cm/process-table';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../tools/testing/eventually.js';
import { startProcess } from '../../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import type { Settings, SpawnInput } from '../../src/index.js';
import {
  type Answer,
  codeOf,
  field,
  isAlive,
  listIn,
  numberIn,
  putSession,
  spawnIn,
  startWorker,
  type TestWorker,
} from '../support-api.js';

const SLEEP = { command: 'sleep', args: ['60'], graceMs: 500 } as const;

const limited = (maxProcesses: number, more: Partial<Settings> = {}, table?: ProcessTable): Promise<TestWorker> =>
  startWorker({ settings: { maxProcesses, ...more }, ...(table === undefined ? {} : { table }) });

const spawn = (on: TestWorker, name: string, more: object = {}): Promise<Answer> =>
  on.call('POST', '/api/sessions/s/processes', { name, ...SLEEP, ...more });

const namesOf = async (on: TestWorker): Promise<unknown[]> =>
  listIn((await on.call('GET', '/api/processes')).body, 'processes').map((row) => field(row, 'name'));

const untilFree = (on: TestWorker, name: string): Promise<Answer> =>
  eventually('a slot is free', async () => {
    const answer = await spawn(on, name);
    return answer.status === 201 && answer;
  });

describe('without a free slot', () => {
  test('nine who ask at once get two; the others hear 503 and when to come again, and nothing of them is left (field failure 50b)', async () => {
    await using directory = await temporaryDirectory();
    await using on = await limited(2);
    await putSession(on, 's');
    const starts = join(directory.path, 'starts');
    const answers = await Promise.all(
      Array.from({ length: 9 }, (_, index) =>
        spawn(on, `agent-${index}`, { command: 'sh', args: ['-c', 'echo up >> "$0"; exec sleep 60', starts] }),
      ),
    );
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused.map((answer) => [answer.status, codeOf(answer), answer.headers['retry-after']])).toEqual(
      Array(7).fill([503, 'NO_SLOT', '1']),
    );
    expect(await namesOf(on)).toHaveLength(2);
    await eventually('both are up', () => existsSync(starts) && readFileSync(starts, 'utf8') === 'up\nup\n');
  });

  test('a name that is taken is still that: no wait would help', async () => {
    await using on = await limited(1, { restartBackoffMs: 600_000, restartBackoffMaxMs: 600_000 });
    await putSession(on, 's');
    const { pid } = await spawnIn(on, 's', { name: 'one', ...SLEEP, restart: 'permanent' });
    const again = async (): Promise<unknown> => codeOf(await spawn(on, 'one'));
    expect(await again()).toBe('DUPLICATE_NAME');
    process.kill(pid, 'SIGKILL');
    await untilFree(on, 'two');
    // It waits for its restart, and there is no slot.
    expect(await again()).toBe('DUPLICATE_NAME');
    expect(codeOf(await spawn(on, 'three'))).toBe('NO_SLOT');
  });

  test('a predecessor can be replaced, again and again: its slot goes to its successor', async () => {
    await using on = await limited(1);
    await putSession(on, 's');
    let before = (await spawn(on, 'one')).body;
    for (let round = 0; round < 3; round += 1) {
      const next = await spawn(on, 'one', { onDuplicate: 'replace' });
      expect(next.status).toBe(201);
      expect(isAlive(numberIn(before, 'pid'))).toBe(false);
      before = next.body;
    }
    expect((await spawn(on, 'two')).status).toBe(503);
    await on.call('DELETE', `/api/processes/${field(before, 'id')}`);
    expect((await spawn(on, 'two')).status).toBe(201);
  });

  test('two who replace at once end with one process, and one slot is taken', async () => {
    await using on = await limited(1);
    await putSession(on, 's');
    const answers = await Promise.all([1, 2, 3].map(() => spawn(on, 'one', { onDuplicate: 'replace' })));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(await namesOf(on)).toEqual(['one']);
    expect((await spawn(on, 'two')).status).toBe(503);
    await on.call('DELETE', '/api/sessions/s');
    await putSession(on, 's');
    expect((await spawn(on, 'two')).status).toBe(201);
  });

  test('a predecessor that will not go keeps what it uses', async () => {
    const real = createProcessTable();
    let reaches = true;
    const table: ProcessTable = {
      ...real,
      signal: async (identity, signal) => (reaches ? real.signal(identity, signal) : { outcome: 'sent' }),
    };
    // What is in a cgroup is ended by the kernel, not by signals.
    await using on = await limited(1, { containment: 'group' }, table);
    await putSession(on, 's');
    await spawn(on, 'one', { graceMs: 0, killWaitMs: 1_000 });
    reaches = false;
    const replaced = await spawn(on, 'one', { onDuplicate: 'replace' });
    expect([replaced.status, codeOf(replaced)]).toEqual([409, 'DUPLICATE_NAME']);
    expect((await spawn(on, 'two')).status).toBe(503);
    reaches = true;
    await on.worker.supervisor.sweep();
    await on.call('DELETE', '/api/sessions/s');
    await putSession(on, 's');
    expect((await spawn(on, 'two')).status).toBe(201);
  });
});

describe('a slot comes back', () => {
  test('from what could not be started (faults 31, 32)', async () => {
    await using directory = await temporaryDirectory();
    await using on = await limited(1);
    await putSession(on, 's');
    for (const body of [
      { command: '/no/such/program' },
      { command: directory.path },
      { cwd: join(directory.path, 'missing') },
      { args: ['\0'] },
    ]) {
      expect((await spawn(on, 'one', body)).status, JSON.stringify(body)).toBe(422);
      expect((await spawn(on, 'one', { ...body, onDuplicate: 'replace' })).status, JSON.stringify(body)).toBe(422);
    }
    expect((await spawn(on, 'one')).status).toBe(201);
    expect((await spawn(on, 'two')).status).toBe(503);
  });

  test('from what ended, but not while a member of it lives: that uses memory too', async () => {
    await using on = await limited(1);
    await putSession(on, 's');
    const { id, pid } = await spawnIn(on, 's', {
      name: 'one',
      command: 'sh',
      args: ['-c', 'sleep 60 & exec sleep 60'],
      graceMs: 500,
    });
    const members = await eventually('its member', async () => {
      const found = listIn((await on.call('GET', `/api/processes/${id}`)).body, 'members');
      return found.length === 2 && found;
    });
    process.kill(pid, 'SIGKILL');
    await eventually('its leader is gone', async () => {
      const { body } = await on.call('GET', `/api/processes/${id}`);
      return field(body, 'status') === 'exited';
    });
    expect((await spawn(on, 'two')).status).toBe(503);
    for (const member of members) if (member !== pid) process.kill(Number(member), 'SIGKILL');
    await eventually('a sweep has noticed', async () => {
      await on.worker.supervisor.sweep();
      return (await namesOf(on)).length === 0;
    });
    expect((await spawn(on, 'two')).status).toBe(201);
  });

  test('by itself, once: after many short processes there are as many as before (fault 32)', async () => {
    await using on = await limited(2);
    await putSession(on, 's');
    for (let round = 0; round < 6; round += 1)
      await untilFree(on, `round-${round}`).then(({ body }) =>
        on.call('DELETE', `/api/processes/${field(body, 'id')}`),
      );
    await spawnIn(on, 's', { name: 'true', command: 'true' });
    const first = await untilFree(on, 'first');
    const second = await untilFree(on, 'second');
    expect([first.status, second.status, (await spawn(on, 'third')).status]).toEqual([201, 201, 503]);
  });

  test('from a crash while it waits for its restart, which then waits in turn (field failure 50)', async () => {
    await using on = await limited(1, { restartBackoffMs: 1_000 });
    await putSession(on, 's');
    const { id, pid } = await spawnIn(on, 's', { name: 'one', ...SLEEP, restart: 'permanent' });
    process.kill(pid, 'SIGKILL');
    const other = await untilFree(on, 'two');
    const row = async (): Promise<unknown> => (await on.call('GET', `/api/processes/${id}`)).body;
    await eventually(
      'its restart is due',
      async () => Date.parse(String(field(await row(), 'restartAt'))) < Date.now(),
    );
    expect(await row()).toMatchObject({ status: 'exited', restarts: 0 });
    // It waits: nobody overtakes it.
    expect((await spawn(on, 'three')).status).toBe(503);
    await on.call('DELETE', `/api/processes/${field(other.body, 'id')}`);
    await eventually('it runs again', async () => field(await row(), 'status') === 'running');
    expect((await spawn(on, 'three')).status).toBe(503);
  });
});

test('what runs already takes no slot when it is adopted', async () => {
  await using on = await limited(1);
  await putSession(on, 's');
  await using guest = await startProcess('sleep', ['60']);
  await spawn(on, 'one');
  expect((await on.call('POST', '/api/sessions/s/adopt', { pid: guest.pid, name: 'guest' })).status).toBe(201);
  expect((await spawn(on, 'two')).status).toBe(503);
});

describe('an embedder may wait', () => {
  const request = (name: string): SpawnInput => ({ name, ...SLEEP });
  const never = (): AbortSignal => new AbortController().signal;
  /** Whoever asked in this tick has come to its place in the queue. */
  const queued = (): Promise<void> => new Promise(setImmediate);

  test('and is served in turn; whoever does not wait overtakes nobody (field failures 50, 51)', async () => {
    await using on = await limited(1);
    await putSession(on, 's');
    const { supervisor } = on.worker;
    const first = await spawn(on, 'first');
    const order: string[] = [];
    const waits = ['second', 'third'].map(async (name) => {
      const view = await supervisor.spawn('s', request(name), { waitForSlot: never() });
      order.push(name);
      return view;
    });
    expect((await spawn(on, 'impatient')).status).toBe(503);
    await on.call('DELETE', `/api/processes/${field(first.body, 'id')}`);
    const second = await waits[0];
    expect(order).toEqual(['second']);
    expect((await spawn(on, 'impatient')).status).toBe(503);
    await supervisor.stopProcess(second?.id ?? '');
    expect((await waits[1])?.name).toBe('third');
    expect(await namesOf(on)).toEqual(['third']);
  });

  test('for the slot of whom it replaces: a restart that waits as well is cancelled, and does not come first', async () => {
    await using on = await limited(1, { restartBackoffMs: 1 });
    await putSession(on, 's');
    const { supervisor } = on.worker;
    const { id, pid } = await spawnIn(on, 's', { name: 'one', ...SLEEP, restart: 'permanent' });
    const other = supervisor.spawn('s', request('other'), { waitForSlot: never() });
    process.kill(pid, 'SIGKILL');
    const { id: otherId } = await other;
    await eventually('its restart waits too', async () => {
      const row = (await on.call('GET', `/api/processes/${id}`)).body;
      return Date.parse(String(field(row, 'restartAt'))) < Date.now();
    });
    const next = supervisor.spawn('s', { ...request('one'), onDuplicate: 'replace' }, { waitForSlot: never() });
    await eventually('the restart is cancelled', async () => (await namesOf(on)).join() === 'other');
    await supervisor.stopProcess(otherId);
    expect(await next).toMatchObject({ name: 'one', restart: 'temporary', status: 'running' });
    expect(await namesOf(on)).toEqual(['one']);
  });

  test('until it no longer wants to: nothing is recorded then, and no slot is taken (fault 32)', async () => {
    await using on = await limited(1);
    await putSession(on, 's');
    const first = await spawn(on, 'first');
    const leaver = new AbortController();
    const waits = on.worker.supervisor.spawn('s', request('second'), { waitForSlot: leaver.signal });
    await queued();
    leaver.abort(new Error('no longer'));
    await expect(waits).rejects.toThrow('no longer');
    expect(await namesOf(on)).toEqual(['first']);
    await on.call('DELETE', `/api/processes/${field(first.body, 'id')}`);
    expect((await spawn(on, 'third')).status).toBe(201);
  });

  test('but not for longer than its session: an end waits for nobody (field failure 50)', async () => {
    await using on = await limited(1);
    await putSession(on, 's');
    await putSession(on, 'other');
    await spawnIn(on, 'other', { name: 'first', ...SLEEP });
    const waits = on.worker.supervisor.spawn('s', request('second'), { waitForSlot: never() });
    const refused = expect(waits).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    expect((await on.call('DELETE', '/api/sessions/s')).body).toMatchObject({ ok: true, targets: [] });
    await refused;
    expect(await namesOf(on)).toEqual(['first']);
  });

  test('nor for longer than the worker: the latch alone sends it away, while the slots are still taken (R12, fault 29)', async () => {
    await using on = await limited(1);
    await putSession(on, 's');
    const { supervisor } = on.worker;
    const first = await spawn(on, 'first');
    const waits = supervisor.spawn('s', request('second'), { waitForSlot: never() });
    const refused = expect(waits).rejects.toMatchObject({ code: 'STOPPING' });
    await queued();
    supervisor.latch();
    await refused;
    expect(isAlive(numberIn(first.body, 'pid'))).toBe(true);
    expect(await on.worker.stop({ reason: 'test' })).toMatchObject({ problems: [], children: { ok: true } });
  });
});
