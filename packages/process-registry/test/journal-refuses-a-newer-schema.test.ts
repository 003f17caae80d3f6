import { readdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { journalPath, openTexts, read, snapshotPath } from './support.js';

it.each([
  ['journal', journalPath, '{"schema":2,"kind":"journal"}\nwhatever comes then\ntorn'],
  ['snapshot', snapshotPath, '{ "schema": 7, "rows": {} }'],
])('a %s of a newer version is left untouched', async (_, pathIn, content) => {
  await using temporary = await temporaryDirectory();
  const path = pathIn(temporary.path);
  writeFileSync(path, content);
  await expect(openTexts(temporary.path)).rejects.toMatchObject({ name: 'JournalError', code: 'newer-schema' });
  expect(read(path)).toBe(content);
  expect(readdirSync(temporary.path)).toHaveLength(1);
});
