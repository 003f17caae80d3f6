import { describe, expect, it } from 'vitest';
import { codeOf, eventOf, field, keysOf, listIn, startWorker, type TestWorker } from '../support-api.js';

const post = (worker: TestWorker, changes: object) => worker.call('POST', '/api/events', eventOf(changes));

const eventsAt = async (worker: TestWorker, query = ''): Promise<readonly unknown[]> => {
  const { status, body } = await worker.call('GET', `/api/events${query}`);
  expect(status).toBe(200);
  expect(keysOf(body)).toEqual(['events']);
  return listIn(body, 'events');
};

const idsAt = async (worker: TestWorker, query?: string): Promise<unknown[]> =>
  (await eventsAt(worker, query)).map((event) => field(event, 'id'));

describe('POST', () => {
  it('puts an event on record as it came, and makes its session', async () => {
    await using worker = await startWorker();
    const event = eventOf({ truncated: true, payload: { cwd: '/tmp', tool: { deep: [null, 'ü', 1.5] } } });
    const answer = await worker.call('POST', '/api/events', event);
    expect([answer.status, answer.body]).toEqual([202, { accepted: true, id: 'tool-1' }]);
    expect(await eventsAt(worker)).toEqual([{ seq: 1, ...event }]);
    expect((await worker.call('GET', '/api/sessions/s')).body).toMatchObject({
      id: 's',
      state: 'active',
      agent: 'claude-code',
      cwd: '/tmp',
    });
  });

  it('takes an id once, however often it comes (fault 40)', async () => {
    await using worker = await startWorker();
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(worker, { id: 'same' })));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(50).fill(202));
    expect(answers.filter(({ body }) => field(body, 'accepted') === true)).toHaveLength(1);
    for (const { body } of answers) expect(field(body, 'id')).toBe('same');
    expect(await idsAt(worker)).toEqual(['same']);
  });

  it('still knows an id after a restart', async () => {
    await using worker = await startWorker();
    await post(worker, { id: 'same' });
    await worker.worker.stop({ reason: 'restart' });
    await using successor = await startWorker({ dataDirectory: worker.dataDirectory });
    expect((await post(successor, { id: 'same' })).body).toEqual({ accepted: false, id: 'same' });
    expect((await post(successor, { id: 'next' })).body).toEqual({ accepted: true, id: 'next' });
    expect((await eventsAt(successor)).map((event) => field(event, 'seq'))).toEqual([1, 2]);
  });

  it('drops copies of one event within 10 s of each other, and takes later ones', async () => {
    await using worker = await startWorker();
    const t = Date.now();
    const accepted = async (id: string): Promise<unknown> => field((await post(worker, { id })).body, 'accepted');
    expect(await accepted(`Stop s@${t}`)).toBe(true);
    expect(await accepted(`Stop s@${t + 1}`)).toBe(false);
    expect(await accepted(`Stop s@${t + 10_000}`)).toBe(false);
    expect(await accepted(`Stop s@${t - 10_000}`)).toBe(false);
    expect(await accepted(`Stop t@${t + 1}`)).toBe(true);
    expect(await accepted(`Stop s@${t + 10_001}`)).toBe(true);
    expect(await idsAt(worker)).toEqual([`Stop s@${t}`, `Stop t@${t + 1}`, `Stop s@${t + 10_001}`]);
  });

  it('is 422 for what is no event, and records nothing', async () => {
    await using worker = await startWorker();
    const { payload, ...withoutPayload } = eventOf();
    expect(payload).toBeDefined();
    expect((await worker.call('POST', '/api/events', withoutPayload)).status).toBe(422);
    for (const changes of [
      { id: '' },
      { id: 'x'.repeat(1025) },
      { id: 1 },
      { event: '' },
      { agent: '' },
      { at: 'yesterday' },
      { at: 0 },
      { ownerPid: 1.5 },
      { ownerPid: '1' },
      { truncated: 'yes' },
      { seq: 7 },
    ]) {
      const answer = await post(worker, changes);
      expect([answer.status, codeOf(answer)], JSON.stringify(changes).slice(0, 60)).toEqual([422, 'INVALID']);
    }
    expect(await eventsAt(worker)).toEqual([]);
    expect((await worker.call('GET', '/api/sessions')).body).toEqual({ sessions: [] });
  });

  it('takes any payload that is JSON', async () => {
    await using worker = await startWorker();
    const payloads: readonly unknown[] = [null, 0, '', false, [], {}, 'text', { constructor: 1 }, '\ud800', '\0'];
    for (const [index, payload] of payloads.entries()) {
      expect((await post(worker, { id: `p${index}`, payload })).status).toBe(202);
    }
    expect((await eventsAt(worker)).map((event) => field(event, 'payload'))).toEqual(payloads);
  });
});

describe('GET', () => {
  it('starts at the oldest, goes on after a number, and stops at a limit', async () => {
    await using worker = await startWorker();
    for (const [id, sessionId] of [
      ['1', '42'],
      ['2', '042'],
      ['3', '42'],
      ['4', 'a/b'],
    ] as const) {
      await post(worker, { id, sessionId });
    }
    expect(await idsAt(worker)).toEqual(['1', '2', '3', '4']);
    expect(await idsAt(worker, '?after=2')).toEqual(['3', '4']);
    expect(await idsAt(worker, '?after=4')).toEqual([]);
    expect(await idsAt(worker, '?limit=2')).toEqual(['1', '2']);
    expect(await idsAt(worker, '?session=42')).toEqual(['1', '3']);
    expect(await idsAt(worker, '?session=042')).toEqual(['2']);
    expect(await idsAt(worker, '?session=a%2Fb')).toEqual(['4']);
    expect(await idsAt(worker, '?session=42&after=1&limit=1')).toEqual(['3']);
    expect(await idsAt(worker, '?session=none')).toEqual([]);
    expect(await idsAt(worker, '?after=&session=')).toEqual(['1', '2', '3', '4']);
  });
});
