import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { isJournalError, openJournal } from '../src/journal.js';
import { corruptFiles, journalPath, openTexts, read, snapshotPath, thrownBy } from './support.js';

describe('a journal', () => {
  it('keeps values and the order of insertion across reopening', async () => {
    await using temporary = await temporaryDirectory();
    const first = await openTexts(temporary.path);
    first.put('b', 'one');
    first.put('a', 'zwei — zwölf');
    first.put('__proto__', 'three');
    first.put('b', 'changed in place');
    first.put('gone', 'x');
    expect(first.delete('gone')).toBe(true);
    first.put('again', 'x');
    first.delete('again');
    first.put('again', 'at the end');
    const entries = [
      ['b', 'changed in place'],
      ['a', 'zwei — zwölf'],
      ['__proto__', 'three'],
      ['again', 'at the end'],
    ];
    expect([...first.entries()]).toEqual(entries);
    first.close();
    const second = await openTexts(temporary.path);
    expect([...second.entries()]).toEqual(entries);
    expect(second.size).toBe(4);
    expect(second.get('a')).toBe('zwei — zwölf');
    expect(second.recovered).toEqual({ quarantined: [], dropped: 0, tornBytes: 0 });
    expect(second.state()).toEqual({ status: 'ok' });
    second.close();
  });

  it('deletes an unknown key without a trace', async () => {
    await using temporary = await temporaryDirectory();
    const journal = await openTexts(temporary.path);
    journal.put('a', '1');
    const before = read(journalPath(temporary.path));
    expect(journal.delete('b')).toBe(false);
    expect(read(journalPath(temporary.path))).toBe(before);
    journal.close();
  });

  it('writes a header with the schema and one line per change', async () => {
    await using temporary = await temporaryDirectory();
    const journal = await openTexts(temporary.path);
    journal.put('a', 'line\nbreak');
    journal.put('b', '2');
    journal.delete('a');
    const lines = read(journalPath(temporary.path)).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { schema: 1, kind: 'journal' },
      { crc: expect.stringMatching(/^[0-9a-f]{8}$/), change: [1, 'put', 'a', 'line\nbreak'] },
      { crc: expect.any(String), change: [2, 'put', 'b', '2'] },
      { crc: expect.any(String), change: [3, 'delete', 'a'] },
    ]);
    journal.close();
  });

  it('writes a snapshot that is one JSON document', async () => {
    await using temporary = await temporaryDirectory();
    const journal = await openTexts(temporary.path, { compactAfter: 2 });
    for (const key of ['a', 'b', 'c']) journal.put(key, key);
    for (const key of ['a', 'b', 'c', 'a']) journal.put(key, key.toUpperCase());
    expect(JSON.parse(read(snapshotPath(temporary.path)))).toMatchObject({
      schema: 1,
      sequence: 7,
      entries: [{ entry: ['a', 'A'] }, { entry: ['b', 'B'] }, { entry: ['c', 'C'] }],
      count: 3,
    });
    journal.close();
  });

  it('makes its directory 0700 and its files 0600, and no parents', async () => {
    await using temporary = await temporaryDirectory();
    const directory = join(temporary.path, 'registry');
    const journal = await openTexts(directory, { compactAfter: 1 });
    for (const value of ['1', '2', '3']) journal.put('a', value);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const files = journal.files();
    expect(files.map(({ path }) => path)).toEqual([snapshotPath(directory), journalPath(directory)]);
    for (const { path, bytes } of files) {
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(bytes).toBe(statSync(path).size);
    }
    journal.close();
    await expect(openTexts(join(temporary.path, 'no', 'parent'))).rejects.toMatchObject({ code: 'open-failed' });
  });

  it('refuses a file in the place of its directory', async () => {
    await using temporary = await temporaryDirectory();
    const path = join(temporary.path, 'file');
    writeFileSync(path, 'mine');
    await expect(openTexts(path)).rejects.toMatchObject({ code: 'open-failed', cause: { code: 'ENOTDIR' } });
    expect(read(path)).toBe('mine');
  });

  it('reads but does not write once closed (field failure 8)', async () => {
    await using temporary = await temporaryDirectory();
    const journal = await openTexts(temporary.path);
    journal.put('a', '1');
    journal.close();
    journal.close();
    const before = read(journalPath(temporary.path));
    expect(thrownBy(() => journal.put('a', '2'))).toMatchObject({ code: 'closed' });
    expect(thrownBy(() => journal.delete('a'))).toMatchObject({ code: 'closed' });
    expect(journal.get('a')).toBe('1');
    expect(read(journalPath(temporary.path))).toBe(before);
  });

  it('refuses what it could not read back', async () => {
    await using temporary = await temporaryDirectory();
    const journal = await openJournal<unknown>({
      directory: temporary.path,
      name: 'texts',
      validate: (value) => (value === 'refused' ? undefined : value),
    });
    const circular: { self?: unknown } = {};
    circular.self = circular;
    for (const value of ['refused', undefined, circular, 1n]) {
      const error = thrownBy(() => journal.put('a', value));
      expect(isJournalError(error)).toBe(true);
      expect(error).toMatchObject({ code: 'bad-value' });
    }
    expect(journal.size).toBe(0);
    expect(journal.state()).toEqual({ status: 'ok' });
    journal.close();
    expect(corruptFiles(temporary.path)).toEqual([]);
  });
});
