import { existsSync, readdirSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { type JournalFs, nodeJournalFs } from '../src/journal.js';
import { errno, journalPath, NO_CHANGES, openTexts, read, readTexts, snapshotPath } from './support.js';

interface Disk {
  readonly fs: JournalFs;
  /** Lets the disk finish what it was asked to sync. */
  finish(error?: Error): void;
  /** Whether somebody waits for it. */
  isAwaited(): boolean;
  readonly closed: number[];
  /** How many files were opened. */
  opened(): number;
}

/** A disk that syncs when it is told to. */
const slowDisk = (): Disk => {
  let waiting: { readonly done: (error: Error | null) => void } | undefined;
  const closed: number[] = [];
  let opened = 0;
  return {
    opened: () => opened,
    isAwaited: () => waiting !== undefined,
    finish: (error) => {
      const { done } = waiting ?? {};
      waiting = undefined;
      done?.(error ?? null);
    },
    closed,
    fs: {
      ...nodeJournalFs,
      syncInBackground: (_descriptor, done) => {
        waiting = { done };
      },
      open: (path, how) => {
        opened += 1;
        return nodeJournalFs.open(path, how);
      },
      close: (descriptor) => {
        closed.push(descriptor);
        nodeJournalFs.close(descriptor);
      },
    },
  };
};

describe('while a compaction waits for the disk', () => {
  it('changes go on, are durable, and are in the new journal', async () => {
    await using temporary = await temporaryDirectory();
    const disk = slowDisk();
    const journal = await openTexts(temporary.path, { fs: disk.fs, compactAfter: 2 });
    for (const n of [1, 2, 3]) journal.put('a', String(n));
    expect(disk.isAwaited()).toBe(true);
    journal.put('b', 'meanwhile');
    journal.put('a', 'meanwhile');
    journal.put('c', 'meanwhile');
    journal.delete('b');
    const expected = [
      ['a', 'meanwhile'],
      ['c', 'meanwhile'],
    ];
    expect([...readTexts(temporary.path)]).toEqual(expected);
    expect(existsSync(snapshotPath(temporary.path))).toBe(false);
    disk.finish();
    expect(read(snapshotPath(temporary.path))).toContain('"entry":["a","3"]');
    expect(read(snapshotPath(temporary.path))).not.toContain('meanwhile');
    expect(read(journalPath(temporary.path)).split('\n')).toHaveLength(1 + 4 + 1);
    expect([...readTexts(temporary.path)]).toEqual(expected);
    journal.put('d', 'after');
    journal.close();
    expect([...readTexts(temporary.path)]).toEqual([...expected, ['d', 'after']]);
  });

  it('no second one begins, and the next counts from what is left', async () => {
    await using temporary = await temporaryDirectory();
    const disk = slowDisk();
    let begun = 0;
    const fs: JournalFs = {
      ...disk.fs,
      open: (path, how) => {
        if (how === 'create') begun += 1;
        return nodeJournalFs.open(path, how);
      },
    };
    const journal = await openTexts(temporary.path, { fs, compactAfter: 4 });
    for (let n = 0; n < 5; n += 1) journal.put('a', String(n));
    for (let n = 0; n < 4; n += 1) journal.put('a', `meanwhile ${n}`);
    expect(begun).toBe(1);
    disk.finish();
    expect(begun).toBe(1);
    // Four of them are in the journal: the fifth makes it long again.
    journal.put('a', 'last');
    expect(begun).toBe(2);
    disk.finish();
    expect(read(journalPath(temporary.path))).toBe(NO_CHANGES);
    expect([...readTexts(temporary.path)]).toEqual([['a', 'last']]);
    journal.close();
  });

  it('a close leaves nothing half-written, and closes no descriptor that is being synced', async () => {
    await using temporary = await temporaryDirectory();
    const disk = slowDisk();
    const opened: number[] = [];
    const fs: JournalFs = {
      ...disk.fs,
      open: (path, how) => {
        const descriptor = nodeJournalFs.open(path, how);
        if (how === 'create') opened.push(descriptor);
        return descriptor;
      },
    };
    const journal = await openTexts(temporary.path, { fs, compactAfter: 2 });
    for (const n of [1, 2, 3]) journal.put('a', String(n));
    journal.close();
    const [snapshot = -1] = opened;
    expect(disk.closed).not.toContain(snapshot);
    expect(readdirSync(temporary.path)).toEqual(['texts.journal']);
    // A successor may have begun by the time the disk answers.
    const successor = await openTexts(temporary.path);
    successor.put('a', 'of the successor');
    disk.finish(errno('EIO'));
    expect(disk.closed).toContain(snapshot);
    expect(journal.state()).toEqual({ status: 'ok' });
    expect([...readTexts(temporary.path)]).toEqual([['a', 'of the successor']]);
    successor.close();
    expect(readdirSync(temporary.path)).toEqual(['texts.journal']);
  });

  it('a disk that fails is reported, and nothing is lost (fault 14)', async () => {
    await using temporary = await temporaryDirectory();
    const disk = slowDisk();
    const journal = await openTexts(temporary.path, { fs: disk.fs, compactAfter: 2 });
    for (const n of [1, 2, 3]) journal.put('a', String(n));
    journal.put('a', 'meanwhile');
    disk.finish(errno('EIO'));
    expect(journal.state()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('EIO') });
    expect(readdirSync(temporary.path)).toEqual(['texts.journal']);
    for (const n of [4, 5]) journal.put('a', String(n));
    disk.finish();
    expect(journal.state()).toEqual({ status: 'ok' });
    expect(read(journalPath(temporary.path))).toBe(NO_CHANGES);
    expect([...readTexts(temporary.path)]).toEqual([['a', '5']]);
    journal.close();
  });

  it('one that cannot take its place closes its file once: the number may be somebody else’s by then (fault 14)', async () => {
    await using temporary = await temporaryDirectory();
    const disk = slowDisk();
    const fs: JournalFs = {
      ...disk.fs,
      rename: (from, to) => {
        if (to === snapshotPath(temporary.path)) throw errno('EIO');
        nodeJournalFs.rename(from, to);
      },
    };
    const journal = await openTexts(temporary.path, { fs, compactAfter: 2 });
    for (const n of [1, 2, 3]) journal.put('a', String(n));
    disk.finish();
    expect(disk.closed).toHaveLength(1);
    expect(journal.state()).toMatchObject({ status: 'degraded' });
    journal.close();
    expect(disk.closed).toHaveLength(2);
  });

  it('a successor that opens is not overwritten (field failure 8)', async () => {
    await using temporary = await temporaryDirectory();
    const disk = slowDisk();
    const predecessor = await openTexts(temporary.path, { fs: disk.fs, compactAfter: 2 });
    for (const n of [1, 2, 3]) predecessor.put('a', String(n));
    const successor = await openTexts(temporary.path);
    successor.put('a', 'of the successor');
    disk.finish();
    expect([...readTexts(temporary.path)]).toEqual([['a', 'of the successor']]);
    expect(predecessor.state()).toMatchObject({ status: 'degraded' });
    predecessor.close();
    successor.close();
  });

  it('files that are found missing at its end are written anew instead', async () => {
    await using temporary = await temporaryDirectory();
    const disk = slowDisk();
    const journal = await openTexts(temporary.path, { fs: disk.fs, compactAfter: 2 });
    for (const n of [1, 2, 3]) journal.put('a', String(n));
    journal.put('b', 'meanwhile');
    rmSync(journalPath(temporary.path));
    disk.finish();
    expect(journal.state()).toEqual({ status: 'ok' });
    expect([...readTexts(temporary.path)]).toEqual([
      ['a', '3'],
      ['b', 'meanwhile'],
    ]);
    journal.close();
  });

  it('files that are removed are written anew, once', async () => {
    await using temporary = await temporaryDirectory();
    const disk = slowDisk();
    const journal = await openTexts(temporary.path, { fs: disk.fs, compactAfter: 2 });
    for (const n of [1, 2, 3]) journal.put('a', String(n));
    rmSync(journalPath(temporary.path));
    journal.lookAfter();
    journal.put('b', 'after');
    disk.finish();
    expect(journal.state()).toEqual({ status: 'ok' });
    const expected = [
      ['a', '3'],
      ['b', 'after'],
    ];
    expect([...readTexts(temporary.path)]).toEqual(expected);
    journal.close();
    // The one that was given up is closed too.
    expect(disk.opened()).toBe(disk.closed.length);
    const last = await openTexts(temporary.path);
    expect([...last.entries()]).toEqual(expected);
    last.close();
  });
});

it('a large one is written in slices, and changes come in between', async () => {
  await using temporary = await temporaryDirectory();
  const rows = 30_000;
  const journal = await openTexts(temporary.path, { fs: nodeJournalFs, compactAfter: rows });
  for (let n = 0; n < rows; n += 1) journal.put(`k${n}`, 'x'.repeat(200));
  // As many again: it is due when there are more than twice as many lines as rows.
  for (let n = 0; n <= rows; n += 1) journal.put(`k${n % rows}`, 'y'.repeat(200));
  // Begun, and far from done: its last line is not there yet.
  expect(read(`${snapshotPath(temporary.path)}.tmp`)).not.toContain('"checksum"');
  let changes = 0;
  await eventually('the snapshot is in its place', () => {
    journal.put(`k${changes}`, `meanwhile ${changes}`);
    changes += 1;
    return existsSync(snapshotPath(temporary.path));
  });
  expect(changes).toBeGreaterThan(2);
  journal.close();
  expect(JSON.parse(read(snapshotPath(temporary.path)))).toMatchObject({ count: rows, entries: { length: rows } });
  const reader = readTexts(temporary.path);
  expect(reader.size).toBe(rows);
  for (let n = 0; n < changes; n += 1) expect(reader.get(`k${n}`)).toBe(`meanwhile ${n}`);
  expect(reader.get(`k${rows - 1}`)).toBe('y'.repeat(200));
}, 30_000);
