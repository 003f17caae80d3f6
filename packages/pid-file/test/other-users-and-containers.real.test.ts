import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessTable } from '@cm/process-table';
import { expect, test } from 'vitest';
import { runToEnd, startProcess } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { inspectPidFile } from '../src/index.js';
import { buildClaimant, isRoot, needsRoot, snapshot } from './support.js';

const NOBODY = 65_534;

test('field failure 18: who may not write to the directory fails by errno, with and without a key, and leaves nothing', async () => {
  await using build = await temporaryDirectory();
  await using directory = await temporaryDirectory();
  const claimant = await buildClaimant(build.path);
  chmodSync(build.path, 0o755);
  // Root may write everywhere: it becomes somebody else.
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  if (isRoot) chownSync(directory.path, NOBODY, NOBODY);
  const lock = async (): Promise<string> =>
    (await runToEnd(process.execPath, [claimant, 'lock', directory.path, 'claim'], { ...user, cwd: '/' })).stdout;
  const attempt = async (): Promise<unknown> => {
    const args = [claimant, 'claim', join(directory.path, 'worker.pid')];
    const ended = await runToEnd(process.execPath, args, { ...user, input: 'claim\n', cwd: '/' });
    return JSON.parse(ended.stdout.split('\n')[1] ?? '');
  };
  chmodSync(directory.path, 0o555);
  expect(await attempt()).toMatchObject({ status: 'failed', code: 'EACCES' });
  expect(readdirSync(directory.path)).toEqual([]);
  chmodSync(directory.path, 0o755);
  expect(await lock()).toBe('"acquired"\n');
  chmodSync(directory.path, 0o555);
  expect(await attempt()).toMatchObject({ status: 'failed', code: 'EACCES' });
  expect(readdirSync(directory.path)).toEqual(['lock.key']);
});

test.skipIf(!needsRoot('field failure 36, a second user in one directory'))(
  'field failure 36: a second user is refused by the key, and touches nothing',
  async () => {
    await using build = await temporaryDirectory();
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'worker.pid');
    const claimant = await buildClaimant(build.path);
    chmodSync(build.path, 0o755);
    chmodSync(directory.path, 0o777);
    const first = await runToEnd(process.execPath, [claimant, 'claim', path], { input: 'claim\npublish\n' });
    expect(first.code).toBe(0);
    const before = snapshot(directory.path);
    const second = await runToEnd(process.execPath, [claimant, 'claim', path], {
      uid: NOBODY,
      gid: NOBODY,
      input: 'claim\n',
      cwd: '/',
    });
    expect(JSON.parse(second.stdout.split('\n')[1] ?? '')).toMatchObject({ status: 'failed', code: 'EACCES' });
    expect(snapshot(directory.path)).toEqual(before);
  },
);

const mayUnshare = isRoot && (await runToEnd('unshare', ['--net', '--pid', '--mount', '--fork', 'true'])).code === 0;
if (!mayUnshare) console.warn('skipped, only root with CAP_SYS_ADMIN can: two namespaces that share a directory');

test.skipIf(!mayUnshare).each<[string, string[], string, object]>([
  ['network namespace: the file refuses', ['--net'], '', { status: 'held', reason: 'running' }],
  [
    'PID namespace: the lock refuses',
    ['--pid', '--fork', '--kill-child', '--mount-proc'],
    '',
    { status: 'held', reason: 'elsewhere' },
  ],
  [
    'network and PID namespace: the file refuses',
    ['--net', '--pid', '--fork', '--kill-child', '--mount-proc'],
    '',
    { status: 'held', reason: 'elsewhere' },
  ],
  [
    'network and mount namespace, under a path that is not there here: the file refuses',
    ['--net', '--mount'],
    'mnt',
    { status: 'held', reason: 'running' },
  ],
])('fault 17: a worker in another %s', async (_, namespaces, mount, expected) => {
  await using build = await temporaryDirectory();
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'worker.pid');
  const claimant = await buildClaimant(build.path);
  const inside = join(build.path, 'mount');
  mkdirSync(inside);
  const there = mount === '' ? directory.path : join(inside, 'data');
  const prepare = mount === '' ? '' : 'mount -t tmpfs none "$4" && mkdir "$3" && mount --bind "$5" "$3" && ';
  // Process 1 of a PID namespace may not own a directory: there the shell stays and keeps that number.
  const how = namespaces.includes('--pid') ? '' : 'exec ';
  const script = `${prepare}${how}"$1" "$2" claim "$3/worker.pid" "$3"; exit $?`;
  const args = [script, 'sh', process.execPath, claimant, there, inside, directory.path];
  await using worker = await startProcess('unshare', [...namespaces, 'sh', '-c', ...args]);
  await worker.line(25_000);
  worker.child.stdin?.write('claim\npublish\n');
  expect(JSON.parse(await worker.line(25_000))).toMatchObject({ status: 'acquired' });
  const holder = JSON.parse(await worker.line(25_000));
  const status = { running: 'alive', elsewhere: 'unknown' }[String(Object(expected).reason)];
  expect(await inspectPidFile(path, { table: createProcessTable() })).toMatchObject({ status, record: holder });
  const before = snapshot(directory.path);
  const late = await runToEnd(process.execPath, [claimant, 'claim', path], { input: 'claim\n' });
  expect(JSON.parse(late.stdout.split('\n')[1] ?? '')).toMatchObject({ ...expected, holder });
  expect(snapshot(directory.path)).toEqual(before);
  worker.child.stdin?.end();
  expect((await worker.exit).code).toBe(0);
});

test.skipIf(!mayUnshare)('a /proc of another PID namespace proves no death to who peeks', async () => {
  await using build = await temporaryDirectory();
  const claimant = await buildClaimant(build.path);
  const here = await runToEnd(process.execPath, [claimant, 'peek']);
  expect(here.stdout).toBe('"dead"\n');
  // Without --mount-proc, as in a container that was given its host's /proc.
  const inside = await runToEnd('unshare', ['--pid', '--fork', process.execPath, claimant, 'peek']);
  expect(inside.stdout).toBe('"unknown"\n');
});
