import { readdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { type JournalFs, nodeJournalFs } from '../src/journal.js';
import { atOnceFs, errno, journalPath, NO_CHANGES, openTexts, read, readTexts, snapshotPath } from './support.js';

/** Notes what would survive power loss and what readers get to see. */
const noted = (calls: string[]): JournalFs => ({
  ...atOnceFs,
  sync: (descriptor) => {
    calls.push('sync');
    nodeJournalFs.sync(descriptor);
  },
  syncInBackground: (_descriptor, done) => {
    calls.push('sync in the background');
    done(null);
  },
  syncDirectory: (path) => {
    calls.push('sync the directory');
    nodeJournalFs.syncDirectory(path);
  },
  rename: (from, to) => {
    calls.push(`rename ${basename(to)}`);
    nodeJournalFs.rename(from, to);
  },
});

describe('power loss finds whole files (decision 10)', () => {
  it('what an opening carries over is synced before it takes the place of the old journal', async () => {
    await using temporary = await temporaryDirectory();
    const writer = await openTexts(temporary.path);
    writer.put('a', '1');
    writer.close();
    const calls: string[] = [];
    (await openTexts(temporary.path, { fs: noted(calls) })).close();
    expect(calls).toEqual(['sync', 'rename texts.journal']);
  });

  it('a snapshot is on disk, under its name, before the journal goes', async () => {
    await using temporary = await temporaryDirectory();
    const calls: string[] = [];
    const journal = await openTexts(temporary.path, { fs: noted(calls), compactAfter: 2 });
    calls.length = 0;
    for (const n of [1, 2, 3]) journal.put('a', String(n));
    expect(calls).toEqual([
      'sync in the background',
      'rename texts.snapshot.json',
      'sync the directory',
      'rename texts.journal',
    ]);
    journal.close();
  });
});

it('what a crash left of a new journal is not taken for a part of the next one (fault 11)', async () => {
  await using temporary = await temporaryDirectory();
  const writer = await openTexts(temporary.path);
  writer.put('a', '1');
  writer.close();
  writeFileSync(`${journalPath(temporary.path)}.tmp`, read(journalPath(temporary.path)).replace('"1"', '"2"'));
  const journal = await openTexts(temporary.path);
  journal.put('b', '2');
  journal.close();
  expect([...readTexts(temporary.path)]).toEqual([
    ['a', '1'],
    ['b', '2'],
  ]);
  expect(readdirSync(temporary.path)).toEqual(['texts.journal']);
});

describe('a new journal that cannot take its place', () => {
  const failing = (code: string, opened: number[]): JournalFs => ({
    ...atOnceFs,
    open: (path, how) => {
      const descriptor = nodeJournalFs.open(path, how);
      opened.push(descriptor);
      return descriptor;
    },
    close: (descriptor) => {
      opened.splice(opened.indexOf(descriptor), 1);
      nodeJournalFs.close(descriptor);
    },
    rename: (from, to) => {
      if (to.endsWith('.journal')) throw errno(code);
      nodeJournalFs.rename(from, to);
    },
  });

  it('at an opening leaves no file and no descriptor, and the old one is gone on with (fault 14)', async () => {
    await using temporary = await temporaryDirectory();
    const opened: number[] = [];
    const journal = await openTexts(temporary.path, { fs: failing('EIO', opened) });
    expect(opened).toHaveLength(1);
    journal.put('a', '1');
    expect(readdirSync(temporary.path)).toEqual(['texts.journal']);
    journal.close();
    expect(opened).toEqual([]);
    expect([...readTexts(temporary.path)]).toEqual([['a', '1']]);
  });

  it.each(['EPERM', 'EACCES', 'EBUSY'])(
    'because the old one is open (%s, as on Windows) has that emptied in place',
    async (code) => {
      await using temporary = await temporaryDirectory();
      const journal = await openTexts(temporary.path, { fs: failing(code, []), compactAfter: 2 });
      for (const n of [1, 2, 3]) journal.put('a', String(n));
      expect(read(journalPath(temporary.path))).toBe('');
      expect(journal.state()).toEqual({ status: 'ok' });
      journal.put('b', 'after');
      expect(read(journalPath(temporary.path)).startsWith(NO_CHANGES)).toBe(true);
      expect([...readTexts(temporary.path)]).toEqual([
        ['a', '3'],
        ['b', 'after'],
      ]);
      journal.close();
    },
  );

  it.each([
    ['for another reason', 'EIO', []],
    ['while there are changes to carry over', 'EPERM', ['meanwhile']],
  ])('%s leaves every change where it is', async (_, code, meanwhile) => {
    await using temporary = await temporaryDirectory();
    let finish: () => void = () => {};
    const fs: JournalFs = {
      ...failing(code, []),
      syncInBackground: (_descriptor, done) => {
        finish = () => done(null);
      },
    };
    const journal = await openTexts(temporary.path, { fs, compactAfter: 2 });
    for (const n of [1, 2, 3]) journal.put('a', String(n));
    for (const value of meanwhile) journal.put('b', value);
    const before = read(journalPath(temporary.path));
    finish();
    expect(read(journalPath(temporary.path))).toBe(before);
    expect(read(snapshotPath(temporary.path))).toContain('"entry":["a","3"]');
    expect(journal.state()).toMatchObject({ status: 'degraded', reason: expect.stringContaining(code) });
    journal.put('c', 'after');
    journal.close();
    expect([...readTexts(temporary.path)]).toEqual([
      ['a', '3'],
      ...meanwhile.map((value) => ['b', value]),
      ['c', 'after'],
    ]);
  });
});
