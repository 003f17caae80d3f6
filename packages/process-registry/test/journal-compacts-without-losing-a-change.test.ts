import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { type JournalFs, nodeJournalFs } from '../src/journal.js';
import {
  atOnceFs,
  crashAt,
  errno,
  journalPath,
  NO_CHANGES,
  openTexts,
  read,
  readTexts,
  snapshotPath,
} from './support.js';

const linesIn = (path: string): number => read(path).split('\n').length - 1;

describe('compaction', () => {
  it('folds the journal when it has more lines than compactAfter and than twice the rows', async () => {
    await using temporary = await temporaryDirectory();
    const journal = await openTexts(temporary.path, { compactAfter: 4 });
    for (let n = 1; n <= 3; n += 1) journal.put(`k${n}`, '');
    for (let n = 4; n <= 6; n += 1) journal.put('k1', '');
    expect(existsSync(snapshotPath(temporary.path))).toBe(false);
    journal.put('k1', '');
    expect(existsSync(snapshotPath(temporary.path))).toBe(true);
    expect(read(journalPath(temporary.path))).toBe(NO_CHANGES);
    journal.put('k1', 'after');
    expect(linesIn(journalPath(temporary.path))).toBe(2);
    journal.close();
  });

  it('also happens at opening', async () => {
    await using temporary = await temporaryDirectory();
    const long = await openTexts(temporary.path);
    for (let n = 0; n < 20; n += 1) long.put('a', String(n));
    long.close();
    const journal = await openTexts(temporary.path, { compactAfter: 4 });
    expect(read(journalPath(temporary.path))).toBe(NO_CHANGES);
    expect([...journal.entries()]).toEqual([['a', '19']]);
    journal.close();
  });

  it('costs a change the same with 100 and with 3,200 rows (R17)', async () => {
    const bytesPerChange = async (rows: number): Promise<number> => {
      await using temporary = await temporaryDirectory();
      let bytes = 0;
      const fs: JournalFs = {
        ...atOnceFs,
        sync: () => {},
        write: (descriptor, data) => {
          const written = nodeJournalFs.write(descriptor, data);
          bytes += written;
          return written;
        },
      };
      const journal = await openTexts(temporary.path, { fs, compactAfter: 100 });
      for (let n = 0; n < rows; n += 1) journal.put(`key ${10_000 + n}`, 'x'.repeat(100));
      bytes = 0;
      const changes = rows * 6;
      for (let n = 0; n < changes; n += 1) journal.put(`key ${10_000 + (n % rows)}`, 'y'.repeat(100));
      journal.close();
      return bytes / changes;
    };
    const small = await bytesPerChange(100);
    const large = await bytesPerChange(3_200);
    expect(small).toBeGreaterThan(100);
    expect(large / small).toBeLessThan(1.3);
  });

  it('loses nothing acknowledged to a crash at any step (fault 11)', async () => {
    let compactionCrashes = 0;
    for (let step = 1; ; step += 1) {
      await using temporary = await temporaryDirectory();
      const crashing = crashAt(step);
      const acknowledged = new Map<string, string>();
      let attempted: [string, string] | undefined;
      try {
        const journal = await openTexts(temporary.path, { fs: crashing.fs, compactAfter: 3 });
        for (let n = 0; n < 14; n += 1) {
          attempted = [`k${n % 4}`, String(n)];
          journal.put(...attempted);
          acknowledged.set(...attempted);
          attempted = undefined;
          if (crashing.crashed()) {
            compactionCrashes += 1;
            break;
          }
        }
        if (!crashing.crashed()) {
          journal.close();
          break;
        }
      } catch {
        // The crash: what it was about to write may be there or not.
      } finally {
        crashing.release();
      }
      const journal = await openTexts(temporary.path);
      const found = new Map(journal.entries());
      if (attempted !== undefined && found.get(attempted[0]) === attempted[1]) acknowledged.set(...attempted);
      expect([...found], `crash at step ${step}`).toEqual([...acknowledged]);
      expect(journal.recovered, `crash at step ${step}`).toMatchObject({ quarantined: [], dropped: 0 });
      // The next change is not shadowed by what the crash left.
      journal.put('next', '1');
      journal.close();
      const again = await openTexts(temporary.path);
      expect([...again.entries()]).toEqual([...acknowledged, ['next', '1']]);
      again.close();
    }
    expect(compactionCrashes).toBeGreaterThanOrEqual(5);
  });

  it('that fails is reported, loses nothing and is tried again (fault 14)', async () => {
    await using temporary = await temporaryDirectory();
    let broken = true;
    let attempts = 0;
    const fs: JournalFs = {
      ...atOnceFs,
      open: (path, how) => {
        if (how === 'create') attempts += 1;
        return nodeJournalFs.open(path, how);
      },
      rename: (from, to) => {
        if (broken) throw errno('EIO');
        nodeJournalFs.rename(from, to);
      },
    };
    const journal = await openTexts(temporary.path, { fs, compactAfter: 8 });
    for (let n = 0; n < 12; n += 1) journal.put('a', String(n));
    // At the 9th change and the 11th: each attempt writes every row, so it is not made at every change.
    expect(attempts).toBe(2);
    expect(journal.state()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('EIO') });
    expect(existsSync(`${snapshotPath(temporary.path)}.tmp`)).toBe(false);
    expect(readTexts(temporary.path).get('a')).toBe('11');
    broken = false;
    for (let n = 0; n < 3; n += 1) journal.put('a', 'mended');
    expect(journal.state()).toEqual({ status: 'ok' });
    expect(existsSync(snapshotPath(temporary.path))).toBe(true);
    // And then it is as it was: at the 9th change.
    expect(attempts).toBe(3);
    while (linesIn(journalPath(temporary.path)) < 1 + 8) journal.put('a', 'as before');
    expect(attempts).toBe(3);
    journal.put('a', 'as before');
    expect(attempts).toBe(4);
    journal.close();
  });

  it('whose second half fails leaves a journal that is still good', async () => {
    await using temporary = await temporaryDirectory();
    const fs: JournalFs = {
      ...atOnceFs,
      truncate: () => {
        throw errno('EIO');
      },
    };
    const journal = await openTexts(temporary.path, { fs, compactAfter: 2 });
    for (let n = 0; n < 9; n += 1) journal.put(`k${n % 2}`, String(n));
    journal.delete('k0');
    journal.put('k0', 'at the end');
    journal.close();
    const reader = await openTexts(temporary.path);
    expect([...reader.entries()]).toEqual([
      ['k1', '7'],
      ['k0', 'at the end'],
    ]);
    expect(reader.recovered).toEqual({ quarantined: [], dropped: 0, tornBytes: 0 });
    reader.close();
  });

  it('removes the half-written copy that a crash left', async () => {
    await using temporary = await temporaryDirectory();
    const leftOver = `${snapshotPath(temporary.path)}.tmp`;
    writeFileSync(leftOver, '{"schema":1,');
    const journal = await openTexts(temporary.path);
    expect(existsSync(leftOver)).toBe(false);
    expect(journal.recovered).toEqual({ quarantined: [], dropped: 0, tornBytes: 0 });
    journal.close();
  });
});
