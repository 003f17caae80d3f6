import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { buildHook, fakeWorker, HOOK, hookHome, inLessThan } from './support.js';

beforeAll(buildHook);
vi.setConfig({ testTimeout: 120_000 });

const input = '{"session_id":"s"}';
const SILENT = { code: 0, signal: null, stdout: '', stderr: '' };
const isRoot = process.getuid?.() === 0;
/** Of a user who owns nothing here. */
const NOBODY = 65_534;

describe('an unusable data directory: exit 0, under a second, silent, no worker, no other directory (fault 39)', () => {
  const cases: [string, (path: string) => string][] = [
    [
      'a file in its place',
      (path) => {
        writeFileSync(path, '');
        return path;
      },
    ],
    [
      'a file above it',
      (path) => {
        writeFileSync(path, '');
        return join(path, 'deeper');
      },
    ],
    [
      'a dangling link',
      (path) => {
        symlinkSync('/nonexistent/target', path);
        return path;
      },
    ],
    ['below /proc', () => '/proc/cm-test/data'],
    ['in /proc itself', () => '/proc/1/cm-test'],
    [
      'a link in a circle',
      (path) => {
        symlinkSync(path, path);
        return path;
      },
    ],
    ['a name that is too long', (path) => join(path, 'x'.repeat(300))],
  ];

  test.each(cases)('%s', async (_, make) => {
    await using hooks = await hookHome();
    const dataDir = make(join(hooks.path, 'odd'));
    for (const event of ['PostToolUse', 'SessionStart']) {
      const env = { CM_DATA_DIR: dataDir, CM_WORKER_ENTRY: fakeWorker('exits-at-once') };
      const run = await inLessThan(1_000, () => hooks.run({ args: [event], input, env }));
      expect(run).toMatchObject(SILENT);
    }
    expect(readdirSync(hooks.home)).toEqual([]);
    expect(existsSync(hooks.dataDir)).toBe(false);
  });

  /** For another user the build tree may not be readable, so the hook goes where it is. */
  const copied = (path: string): string => {
    chmodSync(path, 0o755);
    const hook = join(path, 'cm-hook.cjs');
    copyFileSync(HOOK, hook);
    chmodSync(hook, 0o644);
    return hook;
  };

  test.skipIf(!isRoot)('one that may not be written (needs root to become another user)', async () => {
    await using hooks = await hookHome();
    const hook = copied(hooks.path);
    mkdirSync(hooks.dataDir);
    chownSync(hooks.dataDir, NOBODY, NOBODY);
    chmodSync(hooks.dataDir, 0o500);
    for (const event of ['PostToolUse', 'SessionStart']) {
      const env = { CM_WORKER_ENTRY: fakeWorker('exits-at-once') };
      const run = await inLessThan(1_000, () => hooks.run({ args: [event], input, hook, uid: NOBODY, env }));
      expect(run).toMatchObject(SILENT);
    }
    expect(readdirSync(hooks.dataDir)).toEqual([]);
    expect(readdirSync(hooks.home)).toEqual([]);
  });

  test.skipIf(!isRoot)('one that belongs to another user (needs root to become another user)', async () => {
    await using hooks = await hookHome();
    const hook = copied(hooks.path);
    mkdirSync(hooks.dataDir);
    chmodSync(hooks.dataDir, 0o777);
    expect(await hooks.run({ input, hook, uid: NOBODY })).toMatchObject(SILENT);
    expect(readdirSync(hooks.dataDir)).toEqual([]);
  });
});

test('where an event cannot be written, no worker is started either', async () => {
  await using hooks = await hookHome();
  mkdirSync(hooks.dataDir);
  writeFileSync(join(hooks.dataDir, 'spool'), 'a file in its place');
  for (const event of ['PostToolUse', 'SessionStart']) {
    const env = { CM_WORKER_ENTRY: fakeWorker('exits-at-once') };
    expect(await hooks.run({ args: [event], input, env })).toMatchObject(SILENT);
  }
  expect(hooks.notes()).toMatchObject([{ code: 'dropped' }, { code: 'dropped' }]);
  expect(existsSync(join(hooks.dataDir, 'logs', 'boot.log'))).toBe(false);
});

test('the data directory is made private, with its parents', async () => {
  await using hooks = await hookHome();
  expect(await hooks.run({ input, env: { CM_DATA_DIR: '~/a/b' } })).toMatchObject(SILENT);
  expect(readdirSync(join(hooks.home, 'a', 'b', 'spool', 'new'))).toHaveLength(1);
  const modes = execFileSync('stat', [
    '-c',
    '%a',
    join(hooks.home, 'a'),
    join(hooks.home, 'a/b'),
    join(hooks.home, 'a/b/spool'),
  ]);
  expect(modes.toString().split('\n').filter(Boolean)).toEqual(['700', '700', '700']);
});

test('FIFOs in the place of its files never hold it up', async () => {
  await using hooks = await hookHome();
  mkdirSync(join(hooks.dataDir, 'spool'), { recursive: true });
  mkdirSync(join(hooks.dataDir, 'logs'));
  const files = ['config.json', 'worker.pid', 'lock.key', 'spool/spawn-attempt.json', 'logs/hook.log'];
  execFileSync(
    'mkfifo',
    files.map((file) => join(hooks.dataDir, file)),
  );
  const env = { CM_WORKER_ENTRY: fakeWorker('exits-at-once') };
  const run = await inLessThan(1_000, () => hooks.run({ input, env }));
  expect(run).toMatchObject(SILENT);
  expect(hooks.events().length).toBeGreaterThan(0);
});

describe('where it has no business it leaves nothing at all', () => {
  test.each<[string, Record<string, string>]>([
    ['CM_DISABLED=1', { CM_DISABLED: '1' }],
    ['the default directory switched off too', { CM_DISABLED: '1', CM_DATA_DIR: '' }],
  ])('%s', async (_, env) => {
    await using hooks = await hookHome();
    for (const event of ['PostToolUse', 'SessionStart']) {
      const entry = { CM_WORKER_ENTRY: fakeWorker('exits-at-once') };
      expect(await hooks.run({ args: [event], input, env: { ...entry, ...env } })).toMatchObject(SILENT);
    }
    expect(readdirSync(hooks.path)).toEqual(['home']);
    expect(readdirSync(hooks.home)).toEqual([]);
  });

  test('"disabled": true in config.json', async () => {
    await using hooks = await hookHome();
    mkdirSync(hooks.dataDir);
    writeFileSync(join(hooks.dataDir, 'config.json'), '{ "disabled": true }');
    for (const event of ['PostToolUse', 'SessionStart']) {
      const env = { CM_WORKER_ENTRY: fakeWorker('exits-at-once') };
      expect(await hooks.run({ args: [event], input, env })).toMatchObject(SILENT);
    }
    expect(readdirSync(hooks.dataDir)).toEqual(['config.json']);
  });

  test('inside a child of this very worker (field failure 61, fault 42)', async () => {
    await using hooks = await hookHome();
    mkdirSync(hooks.dataDir);
    for (const event of ['PostToolUse', 'SessionStart']) {
      const env = { CM_SCOPE: `row-7@${hooks.dataDir}`, CM_WORKER_ENTRY: fakeWorker('exits-at-once') };
      expect(await hooks.run({ args: [event], input, env })).toMatchObject(SILENT);
    }
    expect(readdirSync(hooks.dataDir)).toEqual([]);
  });
});
