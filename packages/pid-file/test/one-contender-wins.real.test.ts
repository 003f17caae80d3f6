import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { type RealProcess, runToEnd, startProcess } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { readPidFile } from '../src/read.js';
import { buildClaimant, snapshot } from './support.js';

const CONTENDERS = 8;
const ROUNDS = 3;

/** Starting that many programs on a loaded machine of two cores was seen to take 30 s; the claims themselves do not. */
const DEADLINE_MS = 60_000;

vi.setConfig({ testTimeout: 3 * DEADLINE_MS });

test('fault 17: of 8 processes racing for a stale claim one wins, round after round of kill -9, and fault 18, field failure 9: the losers touch nothing', async () => {
  await using build = await temporaryDirectory();
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const claimant = await buildClaimant(build.path);
  const started: RealProcess[] = [];
  await using _end = {
    [Symbol.asyncDispose]: async () => void (await Promise.all(started.map((one) => one[Symbol.asyncDispose]()))),
  };
  const start = async (): Promise<RealProcess> => {
    const contender = await startProcess(process.execPath, [claimant, 'claim', path]);
    started.push(contender);
    await contender.line(DEADLINE_MS);
    return contender;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const contenders = await Promise.all(Array.from({ length: CONTENDERS }, start));
    for (const { child } of contenders) child.stdin?.write('claim\n');
    const results = await Promise.all(
      contenders.map(async (one) => ({ one, result: JSON.parse(await one.line(DEADLINE_MS)) })),
    );
    const winners = results.filter(({ result }) => result.status === 'acquired');
    expect(winners).toHaveLength(1);
    expect(results.filter(({ result }) => result.status === 'held')).toHaveLength(CONTENDERS - 1);
    const [winner] = winners;
    // From the second round on there is a stale file to replace.
    expect(winner?.result.replaced === undefined).toBe(round === 0);
    winner?.one.child.stdin?.write('publish\n');
    await winner?.one.line(DEADLINE_MS);
    expect(readPidFile(path)).toMatchObject({ status: 'found', record: { pid: winner?.one.pid } });
    expect(readdirSync(directory.path)).toEqual(['lock.key', 'worker.pid']);

    const before = snapshot(directory.path);
    const late = await start();
    late.child.stdin?.write('claim\n');
    expect(JSON.parse(await late.line(DEADLINE_MS))).toMatchObject({
      reason: 'running',
      holder: { pid: winner?.one.pid },
    });
    late.child.stdin?.end();
    expect(await late.exit).toEqual({ code: 0, signal: null });
    expect(snapshot(directory.path)).toEqual(before);

    winner?.one.child.kill('SIGKILL');
    await winner?.one.exit;
  }
});

test('fault 17: 4 processes that claim, publish and release as fast as they can are never inside together', async () => {
  await using build = await temporaryDirectory();
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const claimant = await buildClaimant(build.path);
  const contend = () => runToEnd(process.execPath, [claimant, 'contend', path, '50'], { deadlineMs: DEADLINE_MS });
  for (const ended of await Promise.all([contend(), contend(), contend(), contend()])) {
    expect(ended).toMatchObject({ code: 0, stdout: '{"intruders":0}\n' });
  }
  expect(readdirSync(directory.path)).toEqual(['lock.key']);
});

test('two workers of one cluster do not share a lock through their primary', async () => {
  await using build = await temporaryDirectory();
  await using directory = await temporaryDirectory();
  const claimant = await buildClaimant(build.path);
  const ended = await runToEnd(process.execPath, [claimant, 'cluster', directory.path, 'claim'], {
    deadlineMs: DEADLINE_MS,
  });
  expect(ended).toMatchObject({ code: 0, stdout: '["acquired","held"]\n' });
});
