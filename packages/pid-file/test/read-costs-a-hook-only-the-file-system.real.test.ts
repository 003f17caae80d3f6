import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundle } from '../../../tools/testing/bundle.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { here } from './support.js';

const importsOf = async (source: string, output: string): Promise<string[]> => {
  const text = readFileSync(await bundle(source, output), 'utf8');
  return [...new Set([...text.matchAll(/ from "(.+?)"/g)].map(([, name]) => name ?? ''))].sort();
};

test('what a hook bundles for ./read loads node:fs and nothing else', async () => {
  await using build = await temporaryDirectory();
  expect(await importsOf(here('../src/read.ts'), join(build.path, 'read.mjs'))).toEqual(['node:fs']);
});

test('what a client bundles for ./lock holds no process table', async () => {
  await using build = await temporaryDirectory();
  const names = await importsOf(here('../src/lock.ts'), join(build.path, 'lock.mjs'));
  expect(names).toEqual(['node:crypto', 'node:fs', 'node:net', 'node:path']);
  expect(readFileSync(join(build.path, 'lock.mjs'), 'utf8')).not.toContain('process-table');
});
