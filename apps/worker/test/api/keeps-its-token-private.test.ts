import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import { readToken } from '../../src/client/index.js';
import { dataDirectoryAt } from '../../src/contract/index.js';
import { ensureToken, sameSecret } from '../../src/server/token.js';

describe('the token file (field failure 88)', () => {
  it('is made once: 32 random bytes, for nobody else', async () => {
    await using directory = await temporaryDirectory();
    const dataDirectory = dataDirectoryAt(directory.path);
    const token = ensureToken(dataDirectory);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(dataDirectory.token).mode & 0o777).toBe(0o600);
    expect(readFileSync(dataDirectory.token, 'utf8')).toBe(token);
    expect(ensureToken(dataDirectory)).toBe(token);
    expect(readToken(dataDirectory)).toBe(token);
  });

  it.each([
    [
      'others could read it',
      (path: string) => {
        writeFileSync(path, 'ab'.repeat(32));
        chmodSync(path, 0o644);
      },
    ],
    ['it is cut short', (path: string) => writeFileSync(path, 'ab'.repeat(31), { mode: 0o600 })],
    ['it is empty', (path: string) => writeFileSync(path, '', { mode: 0o600 })],
    [
      'it is a link',
      (path: string) => {
        writeFileSync(`${path}.elsewhere`, 'ab'.repeat(32), { mode: 0o600 });
        symlinkSync(`${path}.elsewhere`, path);
      },
    ],
  ])('is replaced when %s', async (_, spoil) => {
    await using directory = await temporaryDirectory();
    const dataDirectory = dataDirectoryAt(directory.path);
    spoil(dataDirectory.token);
    const token = ensureToken(dataDirectory);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(token).not.toBe('ab'.repeat(32));
    expect(readToken(dataDirectory)).toBe(token);
  });

  it('is not made where a directory stands in its place', async () => {
    await using directory = await temporaryDirectory();
    const dataDirectory = dataDirectoryAt(directory.path);
    mkdirSync(join(directory.path, 'token'));
    expect(() => ensureToken(dataDirectory)).toThrow(/EISDIR|is a directory/i);
  });
});

it('compares secrets of any length without throwing', () => {
  expect(sameSecret('abc', 'abc')).toBe(true);
  for (const wrong of ['', 'ab', 'abcd', 'abd', 'x'.repeat(100_000), '\u{1F511}'])
    expect(sameSecret(wrong, 'abc')).toBe(false);
});
