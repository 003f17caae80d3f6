import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { type Entry, enterDataDirectory } from '../src/enter-data-directory.js';

const enter = (env: Record<string, string | undefined>, home = '/nonexistent'): Entry =>
  enterDataDirectory({ env, home: () => home, cwd: () => '/nonexistent' });

describe('config.json', () => {
  test.each([
    ['{"disabled":true}', 'stays-out'],
    ['\uFEFF{"disabled":true}', 'stays-out'],
    ['{ // why not\n "url": "http://x", /* , */ "disabled": true,\n}', 'stays-out'],
    ['{"disabled":false}', 'entered'],
    ['{"disabled":"true"}', 'entered'],
    ['{"nested":{"disabled":true}}', 'entered'],
    ['{"text":"// \\"disabled\\": true"}', 'entered'],
    ['{// "disabled": true\n}', 'entered'],
    ['{"disabled":true', 'entered'],
    ['', 'entered'],
  ])('%j: %s', async (config, status) => {
    await using directory = await temporaryDirectory();
    writeFileSync(join(directory.path, 'config.json'), config);
    expect(enter({ CM_DATA_DIR: directory.path }).status).toBe(status);
  });
});

test('a scope of the same data directory keeps out, one of another does not (field failure 61, fault 42)', async () => {
  await using directory = await temporaryDirectory();
  const real = join(directory.path, 'real');
  const link = join(directory.path, 'link');
  const other = join(directory.path, 'other');
  mkdirSync(real);
  symlinkSync(real, link);
  expect(enter({ CM_DATA_DIR: real, CM_SCOPE: `abc@${real}` }).status).toBe('stays-out');
  expect(enter({ CM_DATA_DIR: link, CM_SCOPE: `abc@${real}` }).status).toBe('stays-out');
  expect(enter({ CM_DATA_DIR: real, CM_SCOPE: `abc@${other}` }).status).toBe('entered');
});

test('~ is the home directory, never a directory of that name (field failure 64)', async () => {
  await using directory = await temporaryDirectory();
  expect(enter({}, directory.path)).toMatchObject({ dataDirectory: { path: join(directory.path, '.cm') } });
  expect(enter({ CM_DATA_DIR: '~/x' }, directory.path)).toMatchObject({
    dataDirectory: { path: join(directory.path, 'x') },
  });
});

test('without a home directory there is no place, and none is made up', () => {
  expect(enter({}, '').status).toBe('unusable');
  expect(enter({ CM_DATA_DIR: '~' }, 'relative').status).toBe('unusable');
});

test('a relative directory in a working directory that is gone is no place', () => {
  const gone = enterDataDirectory({
    env: { CM_DATA_DIR: 'data' },
    home: () => '/',
    cwd: () => {
      throw new Error('ENOENT');
    },
  });
  expect(gone.status).toBe('unusable');
});
