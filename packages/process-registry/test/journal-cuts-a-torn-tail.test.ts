import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { type JournalFs, nodeJournalFs } from '../src/journal.js';
import {
  atOnceFs,
  corruptFiles,
  errno,
  journalPath,
  NO_CHANGES,
  openTexts,
  read,
  readTexts,
  snapshotPath,
} from './support.js';

/** A disk on which no new file can be made: the old one is gone on with. */
const full: JournalFs = {
  ...atOnceFs,
  open: (path, how) => {
    if (path.endsWith('.tmp')) throw errno('ENOSPC');
    return nodeJournalFs.open(path, how);
  },
};

it.each([
  { where: '', fs: atOnceFs, replaces: true },
  { where: ' on a full disk', fs: full, replaces: false },
])(
  'keeps every whole line, whatever byte the file ends at$where (faults 11, 14, 15)',
  async ({ fs, replaces }) => {
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
    for (let length = 0; length <= whole.length; length += 1) {
      rmSync(snapshotPath(temporary.path), { force: true });
      writeFileSync(path, whole.subarray(0, length));
      const expected = states.filter(({ bytes }) => bytes <= length).at(-1)?.entries ?? [];
      const lastNewline = whole.subarray(0, length).lastIndexOf('\n') + 1;
      expect([...readTexts(temporary.path)], `read at byte ${length}`).toEqual(expected);
      const journal = await openTexts(temporary.path, { fs });
      expect([...journal.entries()], `at byte ${length}`).toEqual(expected);
      expect(journal.recovered).toEqual({ quarantined: [], dropped: 0, tornBytes: length - lastNewline });
      expect(read(path)).toBe(lastNewline === 0 && replaces ? NO_CHANGES : whole.toString('utf8', 0, lastNewline));
      // What is written after the cut is whole too.
      journal.put('after', String(length));
      journal.close();
      const again = await openTexts(temporary.path, { fs });
      expect([...again.entries()]).toEqual([...expected, ['after', String(length)]]);
      expect(again.recovered.tornBytes).toBe(0);
      expect(read(path).startsWith(NO_CHANGES)).toBe(true);
      again.close();
    }
    expect(corruptFiles(temporary.path)).toEqual([]);
  },
  30_000,
);

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
