import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startProcess } from '../../../../tools/testing/real-process.js';
import { type ProcessView, ROUTES } from '../../src/contract/index.js';
import { eventually, type Place, workerPlace } from '../support.js';

/** Says on disk that it was asked to stop, and goes on. A shell that says more would die of the pipes of its dead worker. */
const STUBBORN = 'exec >/dev/null 2>&1; trap ": > $0" TERM; while :; do sleep 0.05; done';

const startStubborn = async (place: Place, session: string, count: number): Promise<ProcessView[]> => {
  const rows: ProcessView[] = [];
  for (let n = 0; n < count; n += 1) {
    const asked = join(place.path, `${session}-${n}-was-asked`);
    // Long enough for somebody to be killed in the middle of it.
    rows.push(await place.spawn(session, `n${n}`, ['sh', '-c', STUBBORN, asked], { graceMs: 4_000 }));
  }
  return rows;
};

const wereAsked = (place: Place, session: string, count: number): Promise<unknown> =>
  eventually('all of them were asked to stop', () =>
    Array.from({ length: count }, (_, n) => join(place.path, `${session}-${n}-was-asked`)).every((path) =>
      existsSync(path),
    ),
  );

const aliveOf = async (place: Place, rows: readonly ProcessView[]): Promise<boolean[]> =>
  Promise.all(rows.map(({ pid }) => place.isAlive(Number(pid))));

describe('a worker that is killed', () => {
  test('while it recovers leaves everything to the next one, which finishes (fault 11, during another recovery)', async () => {
    await using place = await workerPlace();
    await using decoy = await startProcess('sh', ['-c', STUBBORN, join(place.path, 'decoy-was-asked')], {
      detached: true,
    });
    await place.start();
    const rows = await startStubborn(place, 's', 4);
    await place.killWithGuardian();

    await place.start();
    await wereAsked(place, 's', 4);
    await place.killWithGuardian();
    expect(await aliveOf(place, rows)).toEqual([true, true, true, true]);
    // All four are still on record, and known to be theirs.
    const { body } = await place.json(['ps']);
    expect(Object(body).processes.map(({ id, liveness }: Record<string, string>) => [id, liveness])).toEqual(
      rows.map(({ id }) => [id, 'alive']),
    );

    await place.start();
    for (const { pid } of rows) await place.gone(Number(pid));
    await eventually('nothing is on record', async () => (await place.processes()).length === 0);
    expect(await place.isAlive(decoy.pid)).toBe(true);
    expect(existsSync(join(place.path, 'decoy-was-asked'))).toBe(false);
  });

  test('while it stops a session has the next one end it (fault 11, during the cascade)', async () => {
    await using place = await workerPlace();
    await place.start();
    const ending = await startStubborn(place, 'ending', 2);
    const other = await place.spawn('other', 'kept', ['sleep', '300'], { onWorkerDeath: 'keep' });
    const asked = place.ask({ route: ROUTES.endSession, parameters: { id: 'ending' } }).catch(() => undefined);
    await wereAsked(place, 'ending', 2);
    await place.killWithGuardian();
    await asked;
    expect(await aliveOf(place, ending)).toEqual([true, true]);

    await place.start();
    for (const { pid } of ending) await place.gone(Number(pid));
    await eventually('the session has ended', async () => (await place.session('ending')).state === 'ended');
    expect(await place.session('ending')).toMatchObject({ endReason: 'api', processes: 0 });
    expect(await place.isAlive(Number(other.pid))).toBe(true);
    expect((await place.processes()).map(({ id }) => id)).toEqual([other.id]);
  });
});
