import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { type JournalFs, nodeJournalFs, readJournal } from '../src/journal.js';
import { atOnceFs, corruptFiles, errno, openTexts, readTexts, snapshotPath, thrownBy } from './support.js';

interface Held {
  readonly fs: JournalFs;
  finish(error?: Error): void;
}

/** A disk that syncs when it is told to. */
const held = (): Held => {
  let waiting: (error: Error | null) => void = () => {};
  return {
    finish: (error) => waiting(error ?? null),
    fs: {
      ...nodeJournalFs,
      syncInBackground: (_descriptor, done) => {
        waiting = done;
      },
    },
  };
};

/** Time stands still: nobody looks after the files but where a compaction does. */
const now = (): number => 1_000_000;

describe('a predecessor that compacts while its successor does (field failure 8, fault 18)', () => {
  it('does not get into the snapshot of its successor', async () => {
    await using temporary = await temporaryDirectory();
    const [first, second] = [held(), held()];
    const predecessor = await openTexts(temporary.path, { fs: first.fs, now, compactAfter: 4 });
    predecessor.put('a', 'early');
    const successor = await openTexts(temporary.path, { fs: second.fs, now, compactAfter: 4 });
    for (let n = 1; n <= 4; n += 1) successor.put('b', String(n));
    expect(readdirSync(temporary.path)).toContain('texts.snapshot.json.tmp');
    successor.put('c', 'meanwhile');
    // Both are on their way now.
    for (let n = 0; n < 4; n += 1) predecessor.put('a', 'late');
    second.finish();
    first.finish();
    successor.put('d', 'after');
    const expected = [
      ['a', 'early'],
      ['b', '4'],
      ['c', 'meanwhile'],
      ['d', 'after'],
    ];
    expect([...readTexts(temporary.path)]).toEqual(expected);
    predecessor.close();
    successor.close();
    const last = await openTexts(temporary.path);
    expect([...last.entries()]).toEqual(expected);
    expect(last.recovered).toMatchObject({ quarantined: [], dropped: 0 });
    last.close();
  });

  it('takes nothing of its successor away when it leaves', async () => {
    await using temporary = await temporaryDirectory();
    const [first, second] = [held(), held()];
    const predecessor = await openTexts(temporary.path, { fs: first.fs, now, compactAfter: 2 });
    predecessor.put('a', '1');
    for (let n = 0; n < 2; n += 1) predecessor.put('a', 'early');
    const successor = await openTexts(temporary.path, { fs: second.fs, now, compactAfter: 2 });
    successor.put('b', '1');
    successor.put('b', '2');
    predecessor.close();
    second.finish();
    expect(successor.state()).toEqual({ status: 'ok' });
    expect(readdirSync(temporary.path).sort()).toEqual(['texts.journal', 'texts.snapshot.json']);
    expect([...readTexts(temporary.path)]).toEqual([
      ['a', 'early'],
      ['b', '2'],
    ]);
    first.finish();
    successor.close();
  });

  it('looks again after the disk has taken its time', async () => {
    await using temporary = await temporaryDirectory();
    let opening: Promise<unknown> = Promise.resolve();
    let opens = false;
    const fs: JournalFs = {
      ...atOnceFs,
      syncDirectory: (path) => {
        if (!opens) return;
        opens = false;
        // Opening is synchronous, but for the promise that it gives.
        opening = openTexts(path, { now }).then((successor) => {
          successor.put('x', 'of the successor');
          successor.close();
        });
      },
    };
    const predecessor = await openTexts(temporary.path, { fs, now, compactAfter: 2 });
    opens = true;
    for (const n of [1, 2, 3]) predecessor.put('a', String(n));
    await opening;
    expect(predecessor.state()).toMatchObject({ status: 'degraded' });
    predecessor.close();
    expect([...readTexts(temporary.path)]).toEqual([
      ['a', '3'],
      ['x', 'of the successor'],
    ]);
  });
});

it('two who have to share a file on a disk that takes no new one lose nothing of each other, and both say so (fault 14)', async () => {
  await using temporary = await temporaryDirectory();
  let full = false;
  const fs: JournalFs = {
    ...atOnceFs,
    open: (path, how) => {
      if (full && how !== 'append') throw errno('ENOSPC');
      return nodeJournalFs.open(path, how);
    },
  };
  const predecessor = await openTexts(temporary.path, { fs });
  predecessor.put('a', 'early');
  full = true;
  const successor = await openTexts(temporary.path, { fs });
  expect(successor.state()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('ENOSPC') });
  for (const value of ['late', 'later', 'latest']) predecessor.put('a', value);
  for (const key of ['x', 'y', 'z']) successor.put(key, 'of the successor');
  expect([...readTexts(temporary.path)]).toEqual([
    ['a', 'latest'],
    ['x', 'of the successor'],
    ['y', 'of the successor'],
    ['z', 'of the successor'],
  ]);
  predecessor.close();
  successor.close();
});

it('a former file that cannot be closed takes no change any more', async () => {
  await using temporary = await temporaryDirectory();
  const fs: JournalFs = {
    ...atOnceFs,
    close: (descriptor) => {
      nodeJournalFs.close(descriptor);
      throw errno('EIO');
    },
  };
  const journal = await openTexts(temporary.path, { fs, compactAfter: 2 });
  for (const n of [1, 2, 3]) journal.put('a', String(n));
  journal.put('b', 'after');
  expect(journal.state()).toEqual({ status: 'ok' });
  expect([...readTexts(temporary.path)]).toEqual([
    ['a', '3'],
    ['b', 'after'],
  ]);
  journal.close();
});

it('two compactions at once do not write into each other', async () => {
  await using temporary = await temporaryDirectory();
  const rows = 20_000;
  const journal = await openTexts(temporary.path, { fs: nodeJournalFs, compactAfter: rows });
  for (let n = 0; n < rows; n += 1) journal.put(`k${n}`, 'x'.repeat(200));
  for (let n = 0; n <= rows; n += 1) journal.put(`k${n % rows}`, 'y'.repeat(200));
  // The first one is on its way; its files go, everything is written anew, and a second one begins in the same turn.
  rmSync(temporary.path, { recursive: true });
  journal.lookAfter();
  for (let n = 0; n <= 2 * rows; n += 1) journal.put(`k${n % rows}`, 'z'.repeat(200));
  await new Promise((resolve) => setTimeout(resolve, 0));
  for (let turn = 0; turn < 200 && journal.files().some(({ bytes }) => bytes > 8e6); turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  journal.close();
  const last = await openTexts(temporary.path);
  expect(last.recovered).toMatchObject({ quarantined: [], dropped: 0 });
  expect(last.size).toBe(rows);
  expect(last.get('k7')).toBe('z'.repeat(200));
  last.close();
}, 30_000);

describe('files that are missing and cannot be written anew', () => {
  it('on Windows, where an open file cannot be replaced: nothing is acknowledged into a file without a name', async () => {
    await using temporary = await temporaryDirectory();
    let stuck = false;
    let ms = 0;
    const fs: JournalFs = {
      ...atOnceFs,
      rename: (from, to) => {
        if (stuck && to.endsWith('.journal')) throw errno('EPERM');
        nodeJournalFs.rename(from, to);
      },
    };
    const journal = await openTexts(temporary.path, { fs, now: () => ms });
    journal.put('a', '1');
    stuck = true;
    rmSync(`${temporary.path}/texts.journal`);
    ms = 1_000;
    expect(thrownBy(() => journal.put('b', '2'))).toMatchObject({ code: 'write-failed' });
    expect(journal.state()).toMatchObject({ status: 'degraded' });
    stuck = false;
    // Also where the clock has been set back.
    ms = -60_000;
    journal.put('b', '3');
    expect([...readTexts(temporary.path)]).toEqual([
      ['a', '1'],
      ['b', '3'],
    ]);
    journal.close();
    rmSync(`${temporary.path}/texts.journal`);
    journal.lookAfter();
    expect(readdirSync(temporary.path)).toEqual(['texts.snapshot.json']);
  });
});

it('a reader misses nothing of a compaction that comes between its two looks', async () => {
  await using temporary = await temporaryDirectory();
  const journal = await openTexts(temporary.path, { compactAfter: 4 });
  journal.put('a', '1');
  let looks = 0;
  const { entries } = readJournal({
    directory: temporary.path,
    name: 'texts',
    validate: (value) => (typeof value === 'string' ? value : undefined),
    fs: {
      read: (path) => {
        looks += 1;
        if (looks === 2) for (let n = 2; n <= 5; n += 1) journal.put('a', String(n));
        return nodeJournalFs.read(path);
      },
    },
  });
  expect(readTexts(temporary.path).get('a')).toBe('5');
  expect(['1', '5']).toContain(entries.get('a'));
  journal.close();
});

it('a damaged snapshot is folded onto the disk before it takes its place (decision 10)', async () => {
  await using temporary = await temporaryDirectory();
  const writer = await openTexts(temporary.path, { compactAfter: 2 });
  for (const [key, value] of [
    ['a', 'first'],
    ['b', 'line\u2028separator\u2029here'],
    ['c', '3'],
    ['c', '4'],
    ['c', '5'],
    ['c', '6'],
    ['c', '7'],
  ] as const) {
    writer.put(key, value);
  }
  writer.close();
  const path = snapshotPath(temporary.path);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"first"', '"forst"'));
  const calls: string[] = [];
  const fs: JournalFs = {
    ...atOnceFs,
    sync: (descriptor) => {
      calls.push('sync');
      nodeJournalFs.sync(descriptor);
    },
    rename: (from, to) => {
      calls.push(to === path ? 'snapshot' : 'journal');
      nodeJournalFs.rename(from, to);
    },
  };
  const journal = await openTexts(temporary.path, { fs });
  // One bad byte costs one row, also beside one with separators that JSON leaves as they are.
  expect([...journal.entries()]).toEqual([
    ['b', 'line\u2028separator\u2029here'],
    ['c', '7'],
  ]);
  // Of the quarantine, then of the snapshot.
  expect(calls).toEqual(['sync', 'sync', 'snapshot', 'journal']);
  expect(corruptFiles(temporary.path)).toHaveLength(1);
  journal.close();
});
