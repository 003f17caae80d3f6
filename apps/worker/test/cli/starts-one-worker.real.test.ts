import { appendFileSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { daemonsOf, eventually, onlyLine, type Place, workerPlace } from '../support.js';

/** Everything of a worker's directory that a loser could have touched. */
const fingerprint = ({ dataDir }: Place): object[] =>
  readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { ino, mode, mtimeMs, size } = lstatSync(join(dataDir, name));
      return { name, ino, mode, mtimeMs, size };
    });

test('eight launchers at once: one worker, and every one of them succeeds (field failures 16, 20, fault 24)', async () => {
  await using place = await workerPlace();
  const starts = await Promise.all(Array.from({ length: 8 }, () => place.json(['start'])));
  const { pid, port } = place.record();
  for (const start of starts) expect(start).toMatchObject({ code: 0, body: { pid, port } });
  expect(starts.filter(({ body }) => Object(body).started === true)).toHaveLength(1);
  expect(daemonsOf(place.dataDir)).toEqual([pid]);
});

test('four in the foreground at once: one is ready, the others end with 4 (field failures 7, 9)', async () => {
  await using place = await workerPlace();
  await using first = await place.running(['run']);
  await using second = await place.running(['run']);
  await using third = await place.running(['run']);
  await using fourth = await place.running(['run']);
  const all = [first, second, third, fourth];
  const winner = await eventually('one is ready', () => all.find((one) => one.output().stdout.startsWith('ready on ')));
  const losers = all.filter((one) => one !== winner);
  expect(await Promise.all(losers.map(({ exit }) => exit))).toEqual(losers.map(() => ({ code: 4, signal: null })));
  for (const loser of losers) expect(onlyLine(loser.output().stderr)).toMatch(/^cm-worker: /);
  expect(place.record().pid).toBe(winner.pid);
  expect(await place.json(['status'])).toMatchObject({ code: 0, body: { pid: winner.pid } });
});

describe('while one runs', () => {
  test('start finds it, run ends with 4, and neither touches anything of it (fault 18, field failure 6)', async () => {
    await using place = await workerPlace();
    const { pid, instanceId } = await place.start();
    // Large enough to be rolled by whoever opens it as his own.
    appendFileSync(join(place.files.logs, 'worker.log'), 'x'.repeat(6 * 1024 * 1024));
    // Its first log lines and everything else that follows readiness have been written.
    const before = await eventually('its directory is at rest', async () => {
      const seen = fingerprint(place);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return JSON.stringify(seen) === JSON.stringify(fingerprint(place)) && seen;
    });
    const [start, run] = await Promise.all([place.cm(['start']), place.cm(['run'])]);
    expect(start).toMatchObject({ code: 0, stderr: '' });
    expect(start.stdout).toContain(`already running on http://127.0.0.1:${place.port}/ (pid ${pid},`);
    expect(run).toMatchObject({ code: 4, stdout: '' });
    expect(onlyLine(run.stderr)).toContain(`already running: pid ${pid}`);
    // `start` takes the key file of the lock, which is there; `run` leaves no trace at all.
    expect(fingerprint(place)).toEqual(before);
    expect(place.record().instanceId).toBe(instanceId);
    expect(daemonsOf(place.dataDir)).toEqual([pid]);
  });
});
