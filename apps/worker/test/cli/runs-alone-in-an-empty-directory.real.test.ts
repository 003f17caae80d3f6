import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runToEnd } from '../../../../tools/testing/real-process.js';
import { BUNDLE, workerPlace } from '../support.js';

test('the bundle, copied alone, has all that it needs (field failures 77, 78)', async () => {
  await using place = await workerPlace();
  const alone = join(place.path, 'with a space');
  mkdirSync(alone);
  const copy = join(alone, 'cm-worker.js');
  copyFileSync(BUNDLE, copy);
  const run = (...args: string[]) => runToEnd(process.execPath, [copy, ...args], { env: place.env(), cwd: alone });
  expect(await run('--version')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    stderr: '',
  });
  expect(await run('start')).toMatchObject({ code: 0, stderr: '' });
  const { pid } = place.record();
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(1, 5)).toEqual([
    copy,
    'run',
    '--data-dir',
    place.dataDir,
  ]);
  expect(await run('exec', '--session', 's', '--create', '--', 'echo', 'hello')).toMatchObject({
    code: 0,
    stdout: 'hello\n',
  });
  expect(await run('doctor')).toMatchObject({ code: 0, stderr: '' });
  expect(await run('stop')).toMatchObject({ code: 0, stderr: '' });
  expect(await place.isAlive(pid)).toBe(false);
});
