import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { nodeJournalFs } from '../src/journal.js';
import { thrownBy } from './support.js';

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('syncDirectory', () => {
  it('says what is wrong with a directory that is not there', async () => {
    await using temporary = await temporaryDirectory();
    const missing = join(temporary.path, 'missing');
    expect(thrownBy(() => nodeJournalFs.syncDirectory(missing))).toMatchObject({ code: 'ENOENT' });
    expect(nodeJournalFs.syncDirectory(temporary.path)).toBeUndefined();
  });

  it.skipIf(process.platform !== 'linux')(
    'is content where a file system cannot, and leaves no descriptor open',
    () => {
      const before = descriptors();
      // fsync(2): EINVAL for what does not support it, such as everything in /proc.
      for (let n = 0; n < 10; n += 1) nodeJournalFs.syncDirectory('/proc/self');
      expect(descriptors()).toBe(before);
    },
  );
});

it('whereIs tells a file from one of the same name', async () => {
  await using temporary = await temporaryDirectory();
  const [path, other] = ['file', 'other'].map((name) => join(temporary.path, name));
  if (path === undefined || other === undefined) throw new Error('no paths');
  const descriptor = nodeJournalFs.open(path, 'create');
  try {
    expect(nodeJournalFs.whereIs(descriptor, path)).toBe('there');
    nodeJournalFs.close(nodeJournalFs.open(other, 'create'));
    nodeJournalFs.rename(other, path);
    expect(nodeJournalFs.whereIs(descriptor, path)).toBe('replaced');
    nodeJournalFs.remove(path);
    expect(nodeJournalFs.whereIs(descriptor, path)).toBe('missing');
  } finally {
    nodeJournalFs.close(descriptor);
  }
});
