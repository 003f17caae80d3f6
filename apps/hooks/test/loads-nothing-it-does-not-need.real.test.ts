import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test, vi } from 'vitest';
import { buildHook, fakeWorker, HOOK, type HookHome, hookHome } from './support.js';

beforeAll(buildHook);
vi.setConfig({ testTimeout: 120_000 });

const input = '{"session_id":"s"}';

/** Runs a hook and returns the modules that it asked for. */
const requested = async (hooks: HookHome, entry: string, args: readonly string[]): Promise<string[]> => {
  const preload = join(hooks.path, 'preload.cjs');
  const log = join(hooks.path, 'requested');
  writeFileSync(log, '');
  writeFileSync(
    preload,
    `const Module = require('node:module');
     const { appendFileSync } = require('node:fs');
     const load = Module._load;
     Module._load = function (request, ...rest) {
       appendFileSync(${JSON.stringify(log)}, request + '\\n');
       return load.call(this, request, ...rest);
     };`,
  );
  await hooks.run({ args, input, nodeArgs: ['--require', preload], env: { CM_WORKER_ENTRY: entry } });
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((name) => name.startsWith('node:') || /^[a-z_]+$/.test(name));
};

test('the hot path asks for nothing but files and paths', async () => {
  await using hooks = await hookHome();
  // The start of the worker is what needs more: once it boots, nobody does.
  await hooks.run({ input, env: { CM_WORKER_ENTRY: fakeWorker('stays') } });
  const names = await requested(hooks, fakeWorker('stays'), ['PostToolUse']);
  expect([...names].sort()).toEqual(['node:fs', 'node:os', 'node:path']);
});

test('the start of the worker does ask for more: the instrument sees it', async () => {
  await using hooks = await hookHome();
  const names = await requested(hooks, fakeWorker('stays'), ['PostToolUse']);
  expect(names).toEqual(expect.arrayContaining(['node:child_process', 'node:crypto', 'node:net']));
  expect(names).not.toContain('node:http');
});

test('the bundle is one file of at most 12 kB (gzip), and needs no other', () => {
  expect(gzipSync(readFileSync(HOOK), { level: 9 }).length).toBeLessThanOrEqual(12 * 1024);
  expect(statSync(HOOK).mode & 0o111).not.toBe(0);
  const requires = [...readFileSync(HOOK, 'utf8').matchAll(/require\("([^"]+)"\)/g)].map(([, name]) => name);
  expect(requires.filter((name) => name?.startsWith('node:') !== true)).toEqual([]);
});
