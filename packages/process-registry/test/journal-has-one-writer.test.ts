import { existsSync, renameSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { type JournalFs, nodeJournalFs } from '../src/journal.js';
import { atOnceFs, corruptFiles, errno, journalPath, openTexts, readTexts, snapshotPath, thrownBy } from './support.js';

/** Time that moves only when it is told to: how often a journal looks after its files depends on it. */
const clock = (): { now: () => number; pass: () => void } => {
  let ms = 1_000_000;
  return {
    now: () => ms,
    pass: () => {
      ms += 100;
    },
  };
};

describe('a predecessor that still writes after its successor has opened (field failure 8, fault 18)', () => {
  it('reaches nobody, and is told before long', async () => {
    await using temporary = await temporaryDirectory();
    const { now, pass } = clock();
    const predecessor = await openTexts(temporary.path, { now });
    predecessor.put('a', 'of the predecessor');
    const successor = await openTexts(temporary.path, { now });
    successor.put('b', 'of the successor');
    predecessor.put('a', 'too late, and not noticed yet');
    pass();
    expect(thrownBy(() => predecessor.put('c', 'too late'))).toMatchObject({
      code: 'write-failed',
      message: expect.stringContaining('another process has opened it since'),
    });
    expect(thrownBy(() => predecessor.delete('a'))).toMatchObject({ code: 'write-failed' });
    expect(predecessor.state()).toMatchObject({ status: 'degraded' });
    predecessor.lookAfter();
    expect(predecessor.state()).toMatchObject({ status: 'degraded' });
    predecessor.close();
    pass();
    successor.put('d', 'goes on');
    expect(successor.state()).toEqual({ status: 'ok' });
    const expected = [
      ['a', 'of the predecessor'],
      ['b', 'of the successor'],
      ['d', 'goes on'],
    ];
    expect([...readTexts(temporary.path)]).toEqual(expected);
    successor.close();
    const last = await openTexts(temporary.path);
    expect([...last.entries()]).toEqual(expected);
    expect(last.recovered).toEqual({ quarantined: [], dropped: 0, tornBytes: 0 });
    last.close();
  });

  it('does not put its own snapshot in the place of the other', async () => {
    await using temporary = await temporaryDirectory();
    // Time stands still: nothing but the compaction itself looks.
    const { now } = clock();
    const predecessor = await openTexts(temporary.path, { now, compactAfter: 4 });
    predecessor.put('a', 'of the predecessor');
    const successor = await openTexts(temporary.path, { now });
    successor.put('b', 'of the successor');
    for (let n = 0; n < 4; n += 1) predecessor.put('a', 'too late');
    expect(thrownBy(() => predecessor.put('a', 'too late'))).toMatchObject({ code: 'write-failed' });
    predecessor.close();
    expect([...readTexts(temporary.path)]).toEqual([
      ['a', 'of the predecessor'],
      ['b', 'of the successor'],
    ]);
    successor.close();
  });
});

describe('whoever has been succeeded once', () => {
  it('writes nothing even where the files of its successor are gone', async () => {
    await using temporary = await temporaryDirectory();
    const { now, pass } = clock();
    const predecessor = await openTexts(temporary.path, { now });
    predecessor.put('a', 'of the predecessor');
    const successor = await openTexts(temporary.path, { now });
    pass();
    expect(thrownBy(() => predecessor.put('a', 'late'))).toMatchObject({ code: 'write-failed' });
    successor.close();
    rmSync(journalPath(temporary.path));
    pass();
    expect(thrownBy(() => predecessor.put('a', 'later'))).toMatchObject({ code: 'write-failed' });
    predecessor.lookAfter();
    expect(existsSync(journalPath(temporary.path))).toBe(false);
    predecessor.close();
  });

  it('is not misled by a snapshot that is missing', async () => {
    await using temporary = await temporaryDirectory();
    const { now, pass } = clock();
    const predecessor = await openTexts(temporary.path, { now, compactAfter: 1 });
    predecessor.put('a', '1');
    predecessor.put('a', '2');
    predecessor.put('a', '3');
    rmSync(snapshotPath(temporary.path));
    const successor = await openTexts(temporary.path, { now });
    successor.put('b', 'of the successor');
    pass();
    expect(thrownBy(() => predecessor.put('a', 'late'))).toMatchObject({ code: 'write-failed' });
    expect([...readTexts(temporary.path)]).toEqual([['b', 'of the successor']]);
    predecessor.close();
    successor.close();
  });
});

it('looks after its files ten times a second, not at each change', async () => {
  await using temporary = await temporaryDirectory();
  let looks = 0;
  const fs: JournalFs = {
    ...atOnceFs,
    whereIs: (descriptor, path) => {
      if (path.endsWith('.journal')) looks += 1;
      return atOnceFs.whereIs(descriptor, path);
    },
  };
  const { now, pass } = clock();
  const journal = await openTexts(temporary.path, { fs, now });
  for (let n = 0; n < 5; n += 1) journal.put('a', String(n));
  expect(looks).toBe(0);
  pass();
  for (let n = 0; n < 5; n += 1) journal.put('a', String(n));
  expect(looks).toBe(1);
  journal.close();
});

describe('files that somebody removes under a live writer are written anew', () => {
  const removals: readonly { what: string; remove: (directory: string) => void }[] = [
    { what: 'the journal', remove: (directory) => rmSync(journalPath(directory)) },
    { what: 'the snapshot', remove: (directory) => rmSync(snapshotPath(directory)) },
    { what: 'the directory', remove: (directory) => rmSync(directory, { recursive: true }) },
    { what: 'the directory, moved away', remove: (directory) => renameSync(directory, `${directory}-away`) },
  ];

  it.each(removals)('$what: with the next change', async ({ remove }) => {
    await using temporary = await temporaryDirectory();
    const directory = `${temporary.path}/registry`;
    const { now, pass } = clock();
    const journal = await openTexts(directory, { now, compactAfter: 2 });
    for (let n = 0; n < 6; n += 1) journal.put(`k${n % 2}`, String(n));
    remove(directory);
    pass();
    journal.put('k2', 'after');
    expect(journal.state()).toEqual({ status: 'ok' });
    const expected = [
      ['k0', '4'],
      ['k1', '5'],
      ['k2', 'after'],
    ];
    expect([...readTexts(directory)]).toEqual(expected);
    journal.delete('k0');
    journal.close();
    expect([...readTexts(directory)]).toEqual(expected.slice(1));
    expect(corruptFiles(directory)).toEqual([]);
  });

  it.each(removals)('$what: when it is told to look', async ({ remove }) => {
    await using temporary = await temporaryDirectory();
    const directory = `${temporary.path}/registry`;
    const journal = await openTexts(directory, { compactAfter: 2 });
    for (let n = 0; n < 6; n += 1) journal.put(`k${n % 2}`, String(n));
    remove(directory);
    journal.lookAfter();
    expect([...readTexts(directory)]).toEqual([
      ['k0', '4'],
      ['k1', '5'],
    ]);
    journal.close();
    journal.lookAfter();
  });

  it('or, while that is impossible, no change is accepted, and all is well once it is possible (fault 14)', async () => {
    await using temporary = await temporaryDirectory();
    let full = false;
    let attempts = 0;
    const fs: JournalFs = {
      ...atOnceFs,
      open: (path, how) => {
        if (full) {
          attempts += 1;
          throw errno('ENOSPC');
        }
        return nodeJournalFs.open(path, how);
      },
    };
    const { now, pass } = clock();
    const journal = await openTexts(temporary.path, { fs, now });
    journal.put('a', '1');
    rmSync(journalPath(temporary.path));
    pass();
    full = true;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect(thrownBy(() => journal.put('a', '2'))).toMatchObject({ code: 'write-failed' });
    }
    journal.lookAfter();
    expect(journal.state()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('ENOSPC') });
    expect(journal.get('a')).toBe('1');
    // Each attempt writes every row: it is made ten times a second at most.
    expect(attempts).toBe(1);
    pass();
    expect(thrownBy(() => journal.put('a', '2'))).toMatchObject({ code: 'write-failed' });
    expect(attempts).toBe(2);
    full = false;
    pass();
    journal.put('a', '3');
    expect(journal.state()).toEqual({ status: 'ok' });
    expect([...readTexts(temporary.path)]).toEqual([['a', '3']]);
    journal.close();
  });
});
