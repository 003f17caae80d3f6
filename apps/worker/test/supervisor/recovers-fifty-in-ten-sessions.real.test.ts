import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type RealProcess, startProcess } from '../../../../tools/testing/real-process.js';
import type { ProcessView } from '../../src/contract/index.js';
import { eventually, type Place, workerPlace } from '../support.js';

const SESSIONS = Array.from({ length: 10 }, (_, n) => `session ${n}`);
/** What each session runs. `stubborn` ignores the stop signal; `family` has a child in a session of its own. */
const RUNS: readonly { name: string; command: readonly [string, ...string[]]; more?: object }[] = [
  { name: 'first', command: ['sleep', '300'] },
  { name: 'second', command: ['sleep', '300'] },
  { name: 'family', command: ['sh', '-c', 'setsid sleep 300 & exec sleep 300'] },
  { name: 'stubborn', command: ['sh', '-c', 'trap "" TERM; while :; do sleep 300; done'], more: { graceMs: 200 } },
  { name: 'kept', command: ['sleep', '300'], more: { onWorkerDeath: 'keep' } },
];

const pidOf = ({ pid }: ProcessView): number => Number(pid);

const aliveOf = async (place: Place, pids: readonly number[]): Promise<number[]> => {
  const alive = await Promise.all(pids.map((pid) => place.isAlive(pid)));
  return pids.filter((_, n) => alive[n] === true);
};

/** Processes of nobody's, with the same arguments as the children. */
const decoysLike = async (
  [command, ...args]: readonly [string, ...string[]],
  count: number,
): Promise<AsyncDisposable & { readonly decoys: readonly RealProcess[] }> => {
  const decoys = await Promise.all(
    Array.from({ length: count }, () => startProcess(command, args, { detached: true, stdio: 'ignore' })),
  );
  return {
    decoys,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(decoys.map((decoy) => decoy[Symbol.asyncDispose]()));
    },
  };
};

test('a worker is killed with 50 children in 10 sessions and 50 decoys beside: the next one stops 40, takes over 10, and hurts nobody (faults 11, 13; field failures 39-41)', async () => {
  await using place = await workerPlace();
  mkdirSync(place.dataDir, { mode: 0o700 });
  writeFileSync(place.files.config, JSON.stringify({ guardian: false }));
  await using beside = await decoysLike(['sleep', '300'], 50);
  const { decoys } = beside;

  await place.start();
  const rows: ProcessView[] = [];
  for (const session of SESSIONS) {
    rows.push(...(await Promise.all(RUNS.map(({ name, command, more }) => place.spawn(session, name, command, more)))));
  }
  const family = rows.filter(({ name }) => name === 'family');
  const members = await eventually('every family has its child', async () => {
    const views = (await place.processes()).filter(({ name }) => name === 'family');
    return views.every((view) => view.members.length === 2) && views.flatMap((view) => view.members);
  });
  const kept = rows.filter(({ name }) => name === 'kept').map(pidOf);
  const ending = rows.map(pidOf).filter((pid) => !kept.includes(pid));
  const [early = 0, ...rest] = ending;

  const { pid } = place.record();
  process.kill(pid, 'SIGKILL');
  await place.gone(pid);
  // One of them ends while there is no worker.
  process.kill(early, 'SIGKILL');
  await place.gone(early);
  expect(await aliveOf(place, [...rest, ...kept])).toEqual([...rest, ...kept]);
  const left = await place.json(['ps']);
  expect(left.code).toBe(3);
  expect(Object(left.body).processes).toHaveLength(50);

  await place.start();
  const story = await eventually('the doctor tells the story', async () => {
    const report = Object((await place.json(['doctor'])).body);
    const check = report.health.checks.find(({ id }: { id: string }) => id === 'recovery');
    return check.detail.startsWith('an earlier worker left') && { ...check, guardian: report.guardian };
  });
  expect(story).toMatchObject({ status: 'pass', guardian: { status: 'absent' } });
  expect(story.detail).toMatch(/^an earlier worker left 50 rows in 10 sessions; stopped: /);
  const told = (what: string): number[] =>
    (new RegExp(`${what}: ([0-9, ]+)`).exec(story.detail)?.[1] ?? '').split(', ').map(Number);
  expect(told('stopped').sort()).toEqual([...rest].sort());
  expect(told('taken over').sort()).toEqual([...kept].sort());
  expect(told('gone before')).toEqual([early]);

  expect(await aliveOf(place, [...rest, ...members])).toEqual([]);
  expect(await aliveOf(place, kept)).toEqual(kept);
  expect((await place.processes()).map(({ name, pid: of }) => [name, of])).toEqual(kept.map((of) => ['kept', of]));
  expect(family).toHaveLength(10);
  expect(decoys.filter(({ child }) => child.exitCode !== null || child.signalCode !== null)).toEqual([]);

  // They outlive a worker that was killed, not one that is told to stop.
  expect((await place.cm(['stop'])).code).toBe(0);
  expect(await aliveOf(place, kept)).toEqual([]);
  expect(
    await aliveOf(
      place,
      decoys.map((decoy) => decoy.pid),
    ),
  ).toHaveLength(50);
}, 120_000);
