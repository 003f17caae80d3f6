import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { type JournalFs, nodeJournalFs } from '../src/journal.js';
import { atOnceFs, corruptFiles, errno, journalPath, openTexts, read, thrownBy } from './support.js';

/** Takes this many bytes of each write and then fails, or says so by its count alone, while `broken` says so. */
const failing = (
  broken: () => boolean,
  { code, takes, truncate = true }: { code?: string; takes: number; truncate?: boolean },
): JournalFs => ({
  ...atOnceFs,
  write: (descriptor, bytes) => {
    if (!broken()) return nodeJournalFs.write(descriptor, bytes);
    const part = bytes.subarray(0, Math.min(takes, bytes.length - 1));
    const written = part.length === 0 ? 0 : nodeJournalFs.write(descriptor, part);
    if (code !== undefined) throw errno(code);
    return written;
  },
  truncate: (descriptor, length) => {
    if (broken() && !truncate) throw errno('EIO');
    nodeJournalFs.truncate(descriptor, length);
  },
});

describe('a failed write', () => {
  const causes = [
    { name: 'ENOSPC', code: 'ENOSPC', takes: 0 },
    { name: 'EIO after some bytes', code: 'EIO', takes: 20 },
    { name: 'EACCES', code: 'EACCES', takes: 0 },
    { name: 'EROFS', code: 'EROFS', takes: 0 },
    { name: 'a short write', takes: 17 },
    { name: 'a write short by its newline', takes: 100_000 },
    { name: 'EIO, and the rest cannot be cut off', code: 'EIO', takes: 20, truncate: false },
    { name: 'a write short by its newline that cannot be cut off', takes: 100_000, truncate: false },
  ];
  for (const first of [true, false]) {
    it.each(causes)(
      `$name ${first ? 'of the first line ' : ''}(fault 14, field failure 86)`,
      async ({ name: _, ...how }) => {
        await using temporary = await temporaryDirectory();
        let broken = false;
        const journal = await openTexts(temporary.path, { fs: failing(() => broken, how) });
        if (!first) journal.put('a', 'before');
        const before = [...journal.entries()];
        broken = true;
        for (let attempt = 0; attempt < 2; attempt += 1) {
          const error = thrownBy(() => journal.put('b', 'not written'));
          expect(error).toMatchObject({ name: 'JournalError', code: 'write-failed', cause: expect.any(Error) });
          if (how.code !== undefined) expect(error).toMatchObject({ cause: { code: how.code } });
        }
        if (!first) expect(thrownBy(() => journal.delete('a'))).toMatchObject({ code: 'write-failed' });
        expect([...journal.entries()]).toEqual(before);
        expect(journal.state()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('cannot write') });
        broken = false;
        journal.put('c', 'after');
        journal.put('d', 'after');
        expect(journal.state()).toEqual({ status: 'ok' });
        journal.close();
        const reader = await openTexts(temporary.path);
        expect([...reader.entries()]).toEqual([...before, ['c', 'after'], ['d', 'after']]);
        expect(reader.recovered).toMatchObject({ quarantined: [], dropped: 0 });
        expect(corruptFiles(temporary.path)).toEqual([]);
        reader.close();
      },
    );
  }

  it('leaves no byte where it can be cut off', async () => {
    await using temporary = await temporaryDirectory();
    let broken = false;
    const journal = await openTexts(temporary.path, { fs: failing(() => broken, { code: 'ENOSPC', takes: 20 }) });
    journal.put('a', '1');
    const before = read(journalPath(temporary.path));
    broken = true;
    expect(thrownBy(() => journal.put('a', '2'))).toMatchObject({ code: 'write-failed' });
    expect(read(journalPath(temporary.path))).toBe(before);
    journal.close();
  });

  it('cuts off no good line after one that could not be cut off', async () => {
    await using temporary = await temporaryDirectory();
    let broken = false;
    let truncate = false;
    const fragile = failing(() => broken, { code: 'EIO', takes: 20 });
    const journal = await openTexts(temporary.path, {
      fs: {
        ...fragile,
        truncate: (descriptor, length) => {
          if (!truncate) throw errno('EIO');
          fragile.truncate(descriptor, length);
        },
      },
    });
    const fail = (key: string): void => {
      broken = true;
      expect(thrownBy(() => journal.put(key, 'not written'))).toMatchObject({ code: 'write-failed' });
      broken = false;
    };
    fail('a');
    journal.put('b', 'written');
    truncate = true;
    fail('c');
    journal.put('d', 'written');
    journal.close();
    const reader = await openTexts(temporary.path);
    expect([...reader.entries()].map(([key]) => key)).toEqual(['b', 'd']);
    expect(reader.recovered).toMatchObject({ quarantined: [], dropped: 0 });
    reader.close();
  });
});
