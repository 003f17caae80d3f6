import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessTable, type ProcessTable } from '@cm/process-table';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../../tools/testing/eventually.js';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import {
  codeOf,
  eventOf,
  field,
  isAlive,
  keysOf,
  listIn,
  numberIn,
  putSession,
  spawnIn,
  startWorker,
  textIn,
} from '../support-api.js';

const SLEEP = { command: 'sleep', args: ['60'] } as const;
/** Says when it no longer listens to SIGTERM; a signal that is ignored stays so in what is executed. */
const deaf = (ready: string) => ({ command: 'sh', args: ['-c', 'trap "" TERM; : > "$0"; exec sleep 60', ready] });

describe('DELETE of a process', () => {
  it('answers with the report when the set is empty, then 404 (R21, R27)', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    const { id, pid } = await spawnIn(worker, 's', SLEEP);
    const answer = await worker.call('DELETE', `/api/processes/${id}`);
    expect(answer.status).toBe(200);
    expect(isAlive(pid)).toBe(false);
    expect(answer.body).toEqual({
      ok: true,
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      durationMs: expect.any(Number),
      targets: [
        {
          id,
          pid,
          outcome: 'exited',
          members: [pid],
          signals: [{ signal: 'SIGTERM', atMs: expect.any(Number), to: pid }],
          durationMs: expect.any(Number),
        },
      ],
      survivors: [],
      escaped: [],
    });
    for (const method of ['DELETE', 'GET']) {
      const again = await worker.call(method, `/api/processes/${id}`);
      expect([again.status, codeOf(again)]).toEqual([404, 'PROCESS_NOT_FOUND']);
    }
    expect((await worker.call('DELETE', '/api/processes/__proto__')).status).toBe(404);
    // The session goes on.
    expect((await worker.call('GET', '/api/sessions/s')).body).toMatchObject({ state: 'active', processes: 0 });
  });

  it('sends its stop signal, and SIGKILL when the grace is over', async () => {
    await using directory = await temporaryDirectory();
    await using worker = await startWorker();
    await putSession(worker, 's');
    const ready = join(directory.path, 'ready');
    const { id, pid } = await spawnIn(worker, 's', { ...deaf(ready), graceMs: 1_500 });
    await eventually('the trap', () => existsSync(ready));
    const { body } = await worker.call('DELETE', `/api/processes/${id}`);
    expect(body).toMatchObject({ ok: true, targets: [{ outcome: 'killed' }] });
    expect(listIn(body, 'targets', 0, 'signals').map((sent) => field(sent, 'signal'))).toEqual(['SIGTERM', 'SIGKILL']);
    expect(isAlive(pid)).toBe(false);

    const polite = await spawnIn(worker, 's', { ...SLEEP, stopSignal: 'SIGINT' });
    const report = await worker.call('DELETE', `/api/processes/${polite.id}`);
    expect(listIn(report.body, 'targets', 0, 'signals').map((sent) => field(sent, 'signal'))).toEqual(['SIGINT']);
  });

  it('is one stop for all who ask at once', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    const { id, pid } = await spawnIn(worker, 's', SLEEP);
    const answers = await Promise.all(Array.from({ length: 3 }, () => worker.call('DELETE', `/api/processes/${id}`)));
    const reports = answers.filter(({ status }) => status === 200);
    expect(reports.length).toBeGreaterThan(0);
    for (const { body } of reports) expect(body).toMatchObject({ ok: true, targets: [{ id, pid, outcome: 'exited' }] });
    for (const { status } of answers) expect([200, 404]).toContain(status);
  });
});

describe('DELETE of a session', () => {
  it('reaps everything in it and nothing else; repeated, it answers with the same report (S7, R27)', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    await putSession(worker, 't');
    const first = await spawnIn(worker, 's', { name: 'first', ...SLEEP });
    const second = await spawnIn(worker, 's', { name: 'second', ...SLEEP });
    const other = await spawnIn(worker, 't', SLEEP);
    const answer = await worker.call('DELETE', '/api/sessions/s');
    expect(answer.status).toBe(200);
    expect(keysOf(answer.body)).toEqual(['durationMs', 'escaped', 'ok', 'startedAt', 'survivors', 'targets']);
    const reported = listIn(answer.body, 'targets').map((target) => field(target, 'pid'));
    expect(reported.sort()).toEqual([first.pid, second.pid].sort());
    expect([first, second, other].map(({ pid }) => isAlive(pid))).toEqual([false, false, true]);
    const again = await worker.call('DELETE', '/api/sessions/s');
    expect([again.status, again.body]).toEqual([200, answer.body]);
    expect((await worker.call('GET', '/api/sessions/s')).body).toMatchObject({
      state: 'ended',
      endReason: 'api',
      endedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      processes: 0,
    });
  });

  it('is one end for all who ask at once', async () => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    await spawnIn(worker, 's', SLEEP);
    const [first, ...others] = await Promise.all(
      Array.from({ length: 4 }, () => worker.call('DELETE', '/api/sessions/s')),
    );
    expect(listIn(first?.body, 'targets')).toHaveLength(1);
    for (const { body } of others) expect(body).toEqual(first?.body);
  });

  it('reaches what a leader left behind: its row stays until then (field failures 41, 49)', async () => {
    await using directory = await temporaryDirectory();
    await using worker = await startWorker();
    await putSession(worker, 's');
    const go = join(directory.path, 'go');
    const { id, pid } = await spawnIn(worker, 's', {
      command: 'sh',
      args: ['-c', 'sleep 60 & echo $! > "$0"', go],
    });
    const row = await eventually('the leader’s exit', async () => {
      const { body } = await worker.call('GET', `/api/processes/${id}`);
      return field(body, 'status') === 'exited' && body;
    });
    const [member] = listIn(row, 'members');
    expect(field(row, 'exit')).toMatchObject({ code: 0, signal: null });
    expect(field(row, 'pid')).toBe(pid);
    expect(isAlive(pid)).toBe(false);
    expect(isAlive(Number(member))).toBe(true);
    // A sweep does not take the row for dead.
    await worker.worker.supervisor.sweep();
    expect((await worker.call('GET', `/api/processes/${id}`)).status).toBe(200);

    const { body } = await worker.call('DELETE', '/api/sessions/s');
    expect(body).toMatchObject({ ok: true, targets: [{ id, pid, members: [member] }], survivors: [] });
    expect(isAlive(Number(member))).toBe(false);
    expect((await worker.call('GET', `/api/processes/${id}`)).status).toBe(404);
  });

  it('kills a member whose leader obeyed', async () => {
    await using directory = await temporaryDirectory();
    await using worker = await startWorker();
    await putSession(worker, 's');
    const ready = join(directory.path, 'ready');
    const { id, pid } = await spawnIn(worker, 's', {
      command: 'sh',
      args: ['-c', '(trap "" TERM; : > "$0"; exec sleep 60) & wait', ready],
      graceMs: 1_000,
    });
    await eventually('the trap', () => existsSync(ready));
    const members = listIn((await worker.call('GET', `/api/processes/${id}`)).body, 'members');
    expect(members).toHaveLength(2);
    const { body } = await worker.call('DELETE', '/api/sessions/s');
    expect(body).toMatchObject({ ok: true, targets: [{ outcome: 'killed' }] });
    expect(members.map((member) => isAlive(Number(member)))).toEqual([false, false]);
    expect(members).toContain(pid);
  });

  it('waits for a spawn that is under way, and ends it too', async () => {
    const real = createProcessTable();
    let hold: Promise<void> | undefined;
    let held = false;
    // The moment between a process that runs and its record.
    const identify: ProcessTable['identify'] = async (pid) => {
      const found = await real.identify(pid);
      if (hold === undefined || pid === process.pid) return found;
      held = true;
      await hold;
      return found;
    };
    await using worker = await startWorker({ table: { ...real, identify } });
    await putSession(worker, 's');
    let release = (): void => {};
    hold = new Promise((resolve) => {
      release = resolve;
    });
    const spawning = worker.call('POST', '/api/sessions/s/processes', { name: 'n', ...SLEEP });
    await eventually('the spawn to be under way', () => held);
    const ending = worker.call('DELETE', '/api/sessions/s');
    await eventually('the end to begin', async () => {
      const { body } = await worker.call('GET', '/api/sessions/s');
      return field(body, 'state') !== 'active';
    });
    release();
    const [spawned, ended] = await Promise.all([spawning, ending]);
    expect(spawned.status).toBe(201);
    const pid = numberIn(spawned.body, 'pid');
    expect(isAlive(pid)).toBe(false);
    expect(ended.body).toMatchObject({ ok: true, targets: [{ pid }] });
    expect((await worker.call('GET', '/api/processes')).body).toEqual({ processes: [] });
  });
});

it.each([['clear'], ['logout'], ['prompt_input_exit'], [undefined]])(
  'SessionEnd reaps, whatever its reason: %s',
  async (reason) => {
    await using worker = await startWorker();
    await putSession(worker, 's');
    const { pid } = await spawnIn(worker, 's', SLEEP);
    const payload = reason === undefined ? {} : { reason };
    const posted = await worker.call('POST', '/api/events', eventOf({ event: 'SessionEnd', payload }));
    expect(posted.status).toBe(202);
    const session = await eventually('the end of the session', async () => {
      const { body } = await worker.call('GET', '/api/sessions/s');
      return textIn(body, 'state') === 'ended' && body;
    });
    expect(session).toMatchObject({ endReason: 'hook', processes: 0 });
    expect(isAlive(pid)).toBe(false);
  },
);

it('Stop is not an end', async () => {
  await using worker = await startWorker();
  await putSession(worker, 's');
  const { pid } = await spawnIn(worker, 's', SLEEP);
  await worker.call('POST', '/api/events', eventOf({ event: 'Stop' }));
  await worker.call('POST', '/api/events', eventOf({ event: 'SubagentStop', id: 'tool-2' }));
  expect((await worker.call('GET', '/api/sessions/s')).body).toMatchObject({ state: 'active', processes: 1 });
  expect(isAlive(pid)).toBe(true);
});
