import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { corruptFiles, journalPath, openTexts } from './support.js';

it('keeps every whole line, whatever byte the file ends at (faults 11, 15)', async () => {
  await using temporary = await temporaryDirectory();
  const path = journalPath(temporary.path);
  const writer = await openTexts(temporary.path);
  /** The state after the file had this many bytes. */
  const states: { bytes: number; entries: [string, string][] }[] = [{ bytes: 0, entries: [] }];
  const note = (): void => void states.push({ bytes: statSync(path).size, entries: [...writer.entries()] });
  for (const [key, value] of [
    ['a', 'ä€😀'],
    ['b', '{"crc":"'],
    ['a', 'second'],
  ] as const) {
    writer.put(key, value);
    note();
  }
  writer.delete('b');
  note();
  writer.close();

  const whole = readFileSync(path);
  const headerBytes = whole.indexOf('\n') + 1;
  for (let length = 0; length <= whole.length; length += 1) {
    writeFileSync(path, whole);
    truncateSync(path, length);
    const expected = states.filter(({ bytes }) => bytes <= length).at(-1);
    const lastNewline = whole.subarray(0, length).lastIndexOf('\n') + 1;
    const journal = await openTexts(temporary.path);
    expect([...journal.entries()], `at byte ${length}`).toEqual(expected?.entries);
    expect(journal.recovered).toEqual({ quarantined: [], dropped: 0, tornBytes: length - lastNewline });
    expect(statSync(path).size).toBe(lastNewline);
    // What is written after the cut is whole too.
    journal.put('after', String(length));
    journal.close();
    const again = await openTexts(temporary.path);
    expect([...again.entries()]).toEqual([...(expected?.entries ?? []), ['after', String(length)]]);
    expect(again.recovered.tornBytes).toBe(0);
    expect(readFileSync(path).subarray(0, headerBytes)).toEqual(whole.subarray(0, headerBytes));
    again.close();
  }
  expect(corruptFiles(temporary.path)).toEqual([]);
}, 30_000);

it('does not take garbage for a torn tail', async () => {
  await using temporary = await temporaryDirectory();
  const writer = await openTexts(temporary.path);
  writer.put('a', '1');
  writer.close();
  writeFileSync(journalPath(temporary.path), Buffer.alloc(16), { flag: 'a' });
  const journal = await openTexts(temporary.path);
  expect([...journal.entries()]).toEqual([['a', '1']]);
  expect(journal.recovered).toMatchObject({ dropped: 1, tornBytes: 0 });
  expect(journal.recovered.quarantined.map((path) => readFileSync(path))).toEqual([Buffer.alloc(16)]);
  journal.close();
});
