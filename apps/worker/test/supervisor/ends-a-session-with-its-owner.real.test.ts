import { expect, test } from 'vitest';
import { startProcess } from '../../../../tools/testing/real-process.js';
import { ROUTES } from '../../src/contract/index.js';
import { eventually, workerPlace } from '../support.js';

test('when its owner dies, a session ends and everything in it; others go on (S10, field failure 70)', async () => {
  await using place = await workerPlace();
  await place.start();
  await using owner = await startProcess('sleep', ['300']);
  await using otherOwner = await startProcess('sleep', ['300']);
  for (const [id, { pid }] of [
    ['owned', owner],
    ['other', otherOwner],
  ] as const) {
    const body = { owner: { pid } };
    expect(await place.call({ route: ROUTES.putSession, parameters: { id }, body })).toMatchObject({ owner: { pid } });
  }
  const child = await place.spawn('owned', 'sleeper', ['sh', '-c', '(setsid sleep 300 &); exec sleep 300']);
  const spared = await place.spawn('other', 'sleeper', ['sleep', '300']);
  const members = await eventually('both are there', async () => {
    const found = (await place.processes()).find(({ id }) => id === child.id)?.members ?? [];
    return found.length === 2 && found;
  });
  owner.child.kill('SIGKILL');
  await owner.exit;
  const ended = await eventually('the session has ended', async () => {
    const session = await place.session('owned');
    return session.state === 'ended' && session;
  });
  expect(ended.endReason).toBe('owner-gone');
  expect(await Promise.all(members.map(place.isAlive))).toEqual([false, false]);
  expect(await place.session('other')).toMatchObject({ state: 'active', processes: 1 });
  expect(await place.isAlive(Number(spared.pid))).toBe(true);
});

test('also when the owner died while no worker ran', async () => {
  await using place = await workerPlace();
  await place.start();
  await using owner = await startProcess('sleep', ['300']);
  const body = { owner: { pid: owner.pid } };
  await place.call({ route: ROUTES.putSession, parameters: { id: 'owned' }, body });
  expect((await place.cm(['stop'])).code).toBe(0);
  owner.child.kill('SIGKILL');
  await owner.exit;
  await place.start();
  await eventually('the session has ended', async () => (await place.session('owned')).state === 'ended');
});
