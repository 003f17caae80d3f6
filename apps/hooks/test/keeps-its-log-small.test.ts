import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { noteInHookLog } from '../src/hook-log.js';

const note = (detail: string) => ({ at: new Date(0), code: 'lost', event: 'Stop', detail }) as const;

test('a note is one line of JSON, and the directory is made for it', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'logs', 'hook.log');
  noteInHookLog(path, note('two\nlines'));
  noteInHookLog(path, note('x'.repeat(10_000)));
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    code: 'lost',
    event: 'Stop',
    detail: 'two\nlines',
  });
  expect(JSON.parse(lines[1] ?? '').detail).toHaveLength(500);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('the log keeps its younger half when it grows beyond 256 kB', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'hook.log');
  for (let count = 0; count < 1_500; count += 1) noteInHookLog(path, note(`${count} ${'x'.repeat(400)}`));
  const text = readFileSync(path, 'utf8');
  expect(text.length).toBeLessThanOrEqual(256 * 1024);
  expect(text.length).toBeGreaterThan(100 * 1024);
  const details = text
    .trimEnd()
    .split('\n')
    .map((line) => Number.parseInt(JSON.parse(line).detail, 10));
  expect(details.at(-1)).toBe(1_499);
  expect(details).toEqual(details.map((_, index) => 1_500 - details.length + index));
  expect(readdirSync(directory.path)).toEqual(['hook.log']);
});

test('a log that is no regular file of its own is left alone, at once', async () => {
  await using directory = await temporaryDirectory();
  const target = join(directory.path, 'target');
  writeFileSync(target, '');
  symlinkSync(target, join(directory.path, 'link'));
  mkdirSync(join(directory.path, 'directory'));
  for (const name of ['link', 'directory', 'missing/deep/hook.log'])
    noteInHookLog(join(directory.path, name), note('x'));
  expect(readFileSync(target, 'utf8')).toBe('');
  expect(existsSync(join(directory.path, 'missing'))).toBe(false);
});
