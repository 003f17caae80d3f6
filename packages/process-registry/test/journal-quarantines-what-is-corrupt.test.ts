import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { openJournal } from '../src/journal.js';
import { corruptFiles, journalPath, openTexts, read, snapshotPath, text } from './support.js';

const fill = async (directory: string, compactAfter?: number): Promise<void> => {
  const journal = await openTexts(directory, compactAfter === undefined ? {} : { compactAfter });
  for (const key of ['a', 'b', 'c', 'd']) journal.put(key, `value of ${key}`);
  journal.close();
};

/** Compacts by filling, then rewriting every row: four rows in the snapshot, the last change in the journal. */
const fillSnapshot = async (directory: string): Promise<void> => {
  await fill(directory);
  const journal = await openTexts(directory, { compactAfter: 1 });
  for (let round = 0; round < 5; round += 1) journal.put('a', 'value of a');
  journal.put('e', 'value of e');
  journal.close();
  expect(read(snapshotPath(directory))).toContain('value of d');
  expect(read(journalPath(directory))).toContain('value of e');
};

describe('a corrupt journal', () => {
  it('loses one line to one bad byte, wherever it is (fault 15)', async () => {
    await using temporary = await temporaryDirectory();
    const path = journalPath(temporary.path);
    await fill(temporary.path);
    const whole = readFileSync(path);
    const lineOf = (offset: number): number => whole.subarray(0, offset).toString('latin1').split('\n').length - 1;
    for (let offset = 0; offset < whole.length - 1; offset += 7) {
      await using one = await temporaryDirectory();
      const damaged = Buffer.from(whole);
      damaged[offset] = 0xff;
      writeFileSync(journalPath(one.path), damaged);
      const journal = await openTexts(one.path);
      const kept = [...journal.entries()].map(([key]) => key);
      const lines = new Set([lineOf(offset), lineOf(offset + 1)]);
      // A bad newline joins two lines, so both may go; a bad byte outside the checksummed part may cost nothing.
      const touched = ['', 'a', 'b', 'c', 'd'].filter((_, line) => lines.has(line));
      expect(
        ['a', 'b', 'c', 'd'].filter((key) => !kept.includes(key) && !touched.includes(key)),
        `byte ${offset}`,
      ).toEqual([]);
      for (const [key, value] of journal.entries()) expect(value).toBe(`value of ${key}`);
      journal.close();
    }
  });

  it('keeps the bytes of a bad line beside it, and finds them once', async () => {
    await using temporary = await temporaryDirectory();
    const path = journalPath(temporary.path);
    await fill(temporary.path);
    writeFileSync(path, read(path).replace('value of b', 'value of B'));
    const now = (): number => Date.UTC(2026, 0, 2, 3, 4, 5, 6);
    const journal = await openTexts(temporary.path, { now });
    expect([...journal.entries()].map(([key]) => key)).toEqual(['a', 'c', 'd']);
    expect(journal.recovered).toEqual({
      quarantined: [`${path}.corrupt-2026-01-02T03-04-05-006Z`],
      dropped: 1,
      tornBytes: 0,
    });
    expect(corruptFiles(temporary.path)).toEqual(journal.recovered.quarantined);
    expect(read(corruptFiles(temporary.path)[0] ?? '')).toMatch(/^\{"crc":"[0-9a-f]{8}","change":.*value of B"\]\}\n$/);
    expect(statSync(corruptFiles(temporary.path)[0] ?? '').mode & 0o777).toBe(0o600);
    journal.close();
    const again = await openTexts(temporary.path, { now });
    expect(again.recovered).toEqual({ quarantined: [], dropped: 0, tornBytes: 0 });
    expect(again.size).toBe(3);
    again.close();
  });

  it('never overwrites an earlier quarantine', async () => {
    await using temporary = await temporaryDirectory();
    const path = journalPath(temporary.path);
    const now = (): number => 0;
    for (const garbage of ['first\n', 'second\n']) {
      writeFileSync(path, garbage, { flag: 'a' });
      (await openTexts(temporary.path, { now })).close();
    }
    expect(corruptFiles(temporary.path).map(read).sort()).toEqual(['first\n', 'second\n']);
  });

  it('sets aside values that are not of the right shape, and keeps the last good one', async () => {
    await using temporary = await temporaryDirectory();
    const anything = await openJournal<unknown>({
      directory: temporary.path,
      name: 'texts',
      validate: (value) => value,
    });
    anything.put('a', 'good');
    anything.put('a', 7);
    anything.put('b', null);
    anything.close();
    const journal = await openTexts(temporary.path);
    expect([...journal.entries()]).toEqual([['a', 'good']]);
    expect(journal.recovered.dropped).toBe(2);
    expect(read(corruptFiles(temporary.path)[0] ?? '').split('\n')).toHaveLength(3);
    journal.close();
  });
});

describe('a corrupt snapshot', () => {
  it.each([
    ['empty', ''],
    ['garbage', 'not a snapshot'],
    ['wrong shape', '[]'],
    ['wrong schema', '{"schema":0,"checksum":"00000000","sequence":0,"sums":[],"entries":[]}'],
  ])('that is %s is kept aside, and the journal is used (fault 15)', async (_, content) => {
    await using temporary = await temporaryDirectory();
    await fillSnapshot(temporary.path);
    writeFileSync(snapshotPath(temporary.path), content);
    const journal = await openTexts(temporary.path);
    expect(journal.get('e')).toBe('value of e');
    expect(journal.recovered.dropped).toBe(1);
    expect(corruptFiles(temporary.path).map(read)).toEqual([content]);
    journal.close();
    const again = await openTexts(temporary.path);
    expect(again.get('e')).toBe('value of e');
    expect(again.recovered.dropped).toBe(0);
    again.close();
  });

  it('loses one row to one bad byte', async () => {
    await using temporary = await temporaryDirectory();
    await fillSnapshot(temporary.path);
    const path = snapshotPath(temporary.path);
    const damaged = read(path).replace('value of b', 'value of B');
    writeFileSync(path, damaged);
    const journal = await openTexts(temporary.path);
    expect([...journal.entries()].map(([key]) => key)).toEqual(['a', 'c', 'd', 'e']);
    expect(journal.recovered.dropped).toBe(1);
    expect(corruptFiles(temporary.path).map(read)).toEqual([damaged]);
    journal.close();
  });

  it('keeps the rows before the place where it was cut', async () => {
    await using temporary = await temporaryDirectory();
    await fillSnapshot(temporary.path);
    const path = snapshotPath(temporary.path);
    const whole = read(path);
    writeFileSync(path, whole.slice(0, whole.indexOf('value of c')));
    const journal = await openTexts(temporary.path);
    expect([...journal.entries()].map(([key]) => key)).toEqual(['a', 'b', 'e']);
    journal.close();
  });

  it('sets aside single rows of the wrong shape', async () => {
    await using temporary = await temporaryDirectory();
    await fillSnapshot(temporary.path);
    const journal = await openTexts(temporary.path, {
      validate: (value) => (value === 'value of b' ? undefined : text(value)),
    });
    expect(journal.size).toBe(4);
    expect(corruptFiles(temporary.path).map(read)).toEqual(['["b","value of b"]\n']);
    journal.close();
  });
});

it('a snapshot whose checksum holds, and whose lines do not, is damaged all the same', async () => {
  await using temporary = await temporaryDirectory();
  const body =
    '{"schema":1,"kind":"snapshot","sequence":2,"entries":[\n{"crc":"00000000","entry":["a","1"]}\n],"count":1,';
  const crc = crc32(body).toString(16).padStart(8, '0');
  writeFileSync(snapshotPath(temporary.path), `${body}"checksum":"${crc}"}\n`);
  const journal = await openTexts(temporary.path);
  expect([...journal.entries()]).toEqual([]);
  expect(journal.recovered).toMatchObject({ dropped: 1, quarantined: [expect.stringContaining('.corrupt-')] });
  journal.close();
});
