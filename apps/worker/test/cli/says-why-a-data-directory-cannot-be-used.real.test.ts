import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isRoot, needsRoot, onlyLine, type Place, workerPlace } from '../support.js';

/** Both ways to a worker end with 1 and one line, and neither looks for another directory. */
const refused = async (place: Place, dataDir: string, uid?: number): Promise<string[]> => {
  const options = { env: { CM_DATA_DIR: dataDir }, ...(uid === undefined ? {} : { uid }) };
  const [start, run] = await Promise.all([place.cm(['start'], options), place.cm(['run'], options)]);
  expect(start).toMatchObject({ code: 1, stdout: '' });
  expect(run).toMatchObject({ code: 1, stdout: '' });
  expect(existsSync(join(place.home, '.cm'))).toBe(false);
  return [onlyLine(start.stderr), onlyLine(run.stderr)];
};

const NOBODY = 65_534;

describe('a data directory that cannot be used ends start and run with 1, on one line', () => {
  test('a file in its place, and one above it (fault 39)', async () => {
    await using place = await workerPlace();
    const file = join(place.path, 'file');
    writeFileSync(file, 'mine');
    for (const line of await refused(place, file)) expect(line).toContain('is not a directory');
    for (const line of await refused(place, join(file, 'below'))) expect(line).toContain('ENOTDIR');
  });

  test('a dangling link', async () => {
    await using place = await workerPlace();
    const link = join(place.path, 'link');
    symlinkSync(join(place.path, 'nowhere'), link);
    for (const line of await refused(place, link)) expect(line).toContain(link);
    expect(readdirSync(place.path)).toEqual(['link']);
  });

  test('below /proc, where a recursive mkdir of Node 20 never returns', async () => {
    await using place = await workerPlace();
    for (const line of await refused(place, '/proc/nowhere/cm')) expect(line).toContain('/proc/nowhere');
  });

  test('unwritable and unreadable ones (field failures 18, 63)', async () => {
    await using place = await workerPlace();
    // Root may write anywhere; as nobody it may not.
    const uid = isRoot ? NOBODY : undefined;
    chmodSync(place.path, 0o755);
    for (const mode of [0o500, 0o300, 0]) {
      const dataDir = join(place.path, `mode-${mode.toString(8)}`);
      mkdirSync(dataDir);
      if (uid !== undefined) chownSync(dataDir, uid, uid);
      chmodSync(dataDir, mode);
      // Readable by name alone is enough for a worker; anything less is said.
      if (mode === 0o300) continue;
      for (const line of await refused(place, dataDir, uid)) expect(line).toMatch(/EACCES/);
      chmodSync(dataDir, 0o700);
      expect(readdirSync(dataDir)).toEqual([]);
    }
  });

  test('one that belongs to another user', async () => {
    if (!needsRoot('use a directory of another user')) return;
    await using place = await workerPlace();
    chmodSync(place.path, 0o755);
    mkdirSync(place.dataDir, { mode: 0o777 });
    for (const line of await refused(place, place.dataDir, NOBODY)) expect(line).toContain('belongs to user 0');
    expect(readdirSync(place.dataDir)).toEqual([]);
  });
});

test('a directory is found by flag before environment, relative and with ~ (field failure 64)', async () => {
  await using place = await workerPlace();
  const started = await place.json(['start', '--data-dir', 'data'], { env: { CM_DATA_DIR: '/proc/nowhere' } });
  expect(started).toMatchObject({ code: 0, body: { dataDir: place.dataDir, started: true } });
  const [byHome, byDefault] = await Promise.all([
    place.json(['status'], { env: { CM_DATA_DIR: '~/data' } }),
    place.json(['status'], { env: { CM_DATA_DIR: undefined } }),
  ]);
  expect(byHome).toMatchObject({ code: 0, body: { dataDir: place.dataDir, readiness: 'ready' } });
  expect(byDefault).toMatchObject({ code: 3, body: { dataDir: join(place.home, '.cm') } });
});
