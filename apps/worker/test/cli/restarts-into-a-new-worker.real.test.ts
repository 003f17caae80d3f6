import { expect, test } from 'vitest';
import { ROUTES } from '../../src/contract/index.js';
import { workerPlace } from '../support.js';

test('five times in a row: one new worker each, sessions go on, their processes do not (field failures 13, 15, 25)', async () => {
  await using place = await workerPlace();
  let before = await place.start();
  const seen = new Set([before.instanceId]);
  for (let round = 0; round < 5; round += 1) {
    const { pid } = await place.spawn('s', `sleeper`, ['sleep', '60']);
    const restarted = await place.json(['restart']);
    const after = place.record();
    expect(restarted).toMatchObject({ code: 0, body: { status: 'ok', pid: after.pid, version: after.version } });
    expect(after.pid).not.toBe(before.pid);
    seen.add(after.instanceId);
    expect(await Promise.all([before.pid, Number(pid)].map(place.isAlive))).toEqual([false, false]);
    expect(await place.session('s')).toMatchObject({ state: 'active', processes: 0 });
    before = after;
  }
  expect(seen.size).toBe(6);
});

test('ended sessions are listed by --all across a restart, with their reports', async () => {
  await using place = await workerPlace();
  await place.start();
  await place.spawn('over', 'sleeper', ['sleep', '60']);
  await place.call({ route: ROUTES.putSession, parameters: { id: 'on' }, body: { metadata: { a: 1 } } });
  const ended = await place.json(['end', 'over']);
  expect(ended).toMatchObject({ code: 0, body: { ok: true, targets: [{ outcome: 'exited' }] } });
  expect((await place.cm(['restart'])).code).toBe(0);
  const [live, all, again] = await Promise.all([
    place.json(['sessions']),
    place.json(['sessions', '--all']),
    place.json(['end', 'over']),
  ]);
  expect(live).toMatchObject({ code: 0, body: { sessions: [{ id: 'on', state: 'active', metadata: { a: 1 } }] } });
  expect(all).toMatchObject({
    code: 0,
    body: {
      sessions: [
        { id: 'over', state: 'ended', endReason: 'api', endedAt: expect.any(String) },
        { id: 'on', state: 'active' },
      ],
    },
  });
  expect(again).toEqual(ended);
});

test('without a worker it starts one', async () => {
  await using place = await workerPlace();
  expect(await place.json(['restart'])).toMatchObject({ code: 0, body: { started: true, pid: expect.any(Number) } });
});
