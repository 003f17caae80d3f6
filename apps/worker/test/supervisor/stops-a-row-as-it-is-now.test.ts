import { openProcessRegistry } from '@cm/process-registry';
import { createFakeClock, createFakeProcessTable } from '@cm/process-table/testing';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import { createInFlight } from '../../src/supervisor/in-flight.js';
import { silentLog } from '../../src/supervisor/log.js';
import { createRowMembers } from '../../src/supervisor/row-members.js';
import { createRowStopper } from '../../src/supervisor/stop-rows.js';

const stage = async (directory: string) => {
  const table = createFakeProcessTable();
  const registry = await openProcessRegistry({ directory, table });
  const busy = createInFlight();
  const givenUp: string[] = [];
  const stopper = createRowStopper({
    registry,
    table,
    clock: createFakeClock(),
    log: silentLog,
    members: createRowMembers(table),
    force: new AbortController().signal,
    busy,
    giveUp: (id) => givenUp.push(id),
    forget: (id) => void registry.unregister(id),
  });
  const intent = registry.prepare({
    name: 'n',
    sessionId: 's',
    type: 'process',
    command: 'x',
    args: [],
    cwd: '/',
    restart: 'permanent',
    stopSignal: 'SIGTERM',
    graceMs: 1000,
    killWaitMs: 100,
    onWorkerDeath: 'kill',
    envKeys: [],
  });
  const run = (): number => {
    const identity = table.start({ cookie: registry.get(intent.id)?.cookie ?? '' });
    registry.register(intent.id, { identity, containment: 'group' });
    return identity.pid;
  };
  return { table, registry, busy, givenUp, stopper, intent, run };
};

test('a row that was started again since it was read: its present process ends, and the row goes', async () => {
  await using directory = await temporaryDirectory();
  const { table, registry, stopper, intent, run } = await stage(directory.path);
  table.exit(run());
  const stale = registry.transition(intent.id, { type: 'exited', code: 1, signal: null });
  registry.prepareRestart(intent.id, { restarts: { count: 1, at: [], storms: 0 } });
  const pid = run();
  const report = await stopper.stop(stale === undefined ? [] : [stale]);
  expect(report).toMatchObject({ ok: true, targets: [{ id: intent.id, pid }] });
  expect([await table.identify(pid), registry.getAll()]).toEqual([{ status: 'dead', reason: 'gone' }, []]);
  await registry.close();
});

test('an intent with a spawn in flight is waited for, and what it became is stopped (fault 27)', async () => {
  await using directory = await temporaryDirectory();
  const { table, registry, busy, givenUp, stopper, intent, run } = await stage(directory.path);
  let spawned = (): void => {};
  void busy.track(
    intent.id,
    () =>
      new Promise<void>((resolve) => {
        spawned = resolve;
      }),
  );
  const stopping = stopper.stop([intent]);
  // In the tick of the request: whatever the spawn comes to, there is no restart after it.
  expect(givenUp).toEqual([intent.id]);
  await new Promise(setImmediate);
  const pid = run();
  spawned();
  expect(await stopping).toMatchObject({ ok: true, targets: [{ pid, outcome: 'exited' }] });
  expect([(await table.identify(pid)).status, registry.getAll()]).toEqual(['dead', []]);
  await registry.close();
});

test('an intent of which nothing is under way is left to whoever wrote it; a failed restart goes', async () => {
  await using directory = await temporaryDirectory();
  const { registry, stopper, intent } = await stage(directory.path);
  expect(await stopper.stop([intent])).toMatchObject({ ok: true, targets: [] });
  expect(registry.getAll()).toEqual([intent]);
  registry.transition(intent.id, { type: 'exited', code: null, signal: null });
  expect(await stopper.stop([intent])).toMatchObject({ ok: true, targets: [] });
  expect(registry.getAll()).toEqual([]);
  await registry.close();
});

test('one that was started and could not be recorded is found by its cookie, stopped and then forgotten (R13)', async () => {
  await using directory = await temporaryDirectory();
  const { table, registry, stopper, intent } = await stage(directory.path);
  const { pid } = table.start({ cookie: intent.cookie });
  const stranger = table.start({ cookie: 'of somebody else' });
  const row = registry.transition(intent.id, { type: 'survived' });
  expect(await stopper.stop(row === undefined ? [] : [row])).toMatchObject({
    ok: true,
    targets: [{ id: intent.id, pid, outcome: 'exited' }],
  });
  expect(registry.getAll()).toEqual([]);
  expect(table.signals.map((signal) => signal.pid)).not.toContain(stranger.pid);
  await registry.close();
});

test('of two such processes the one that will not go keeps the row, and the stop is no success (R21)', async () => {
  await using directory = await temporaryDirectory();
  const { table, registry, stopper, intent } = await stage(directory.path);
  const stubborn = table.start({ cookie: intent.cookie, unkillable: true });
  const row = registry.transition(intent.id, { type: 'survived' });
  const report = await stopper.stop(row === undefined ? [] : [row]);
  expect(report).toMatchObject({ ok: false, survivors: [{ id: intent.id, pid: stubborn.pid }] });
  expect(registry.getAll().map(({ id, status }) => [id, status])).toEqual([[intent.id, 'survived']]);
  await registry.close();
});
