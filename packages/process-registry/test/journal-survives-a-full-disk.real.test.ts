import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runToEnd } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { corruptFiles, openTexts, thrownBy } from './support.js';

interface Mounted extends AsyncDisposable {
  readonly path: string;
}

/** A file system of 64 kB, or why there is none. */
const mountSmallDisk = async (): Promise<Mounted | string> => {
  if (process.platform !== 'linux') return 'needs Linux';
  const directory = await temporaryDirectory();
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs', directory.path], {
    encoding: 'utf8',
  });
  if (mount.status !== 0) {
    await directory[Symbol.asyncDispose]();
    return `cannot mount a tmpfs: ${mount.error?.message ?? mount.stderr.trim()}`;
  }
  return {
    path: directory.path,
    [Symbol.asyncDispose]: async () => {
      const umount = await runToEnd('umount', [directory.path]);
      if (umount.code !== 0) throw new Error(`umount ${directory.path}: ${umount.stderr}`);
      await directory[Symbol.asyncDispose]();
    },
  };
};

it('a full disk refuses changes and loses none, and service goes on when there is room (fault 14, field failure 86)', async (context) => {
  const mounted = await mountSmallDisk();
  if (typeof mounted === 'string') {
    console.log(`skipped: ${mounted}`);
    return context.skip(mounted);
  }
  await using disk = mounted;
  const ballast = join(disk.path, 'ballast');
  writeFileSync(ballast, Buffer.alloc(32 * 1024));
  const journal = await openTexts(join(disk.path, 'registry'), { compactAfter: 16 });
  const acknowledged = new Map<string, string>();
  let refused = 0;
  for (let n = 0; n < 100; n += 1) {
    const value = 'x'.repeat(700 + n);
    try {
      journal.put(`k${n}`, value);
      acknowledged.set(`k${n}`, value);
    } catch (error) {
      refused += 1;
      expect(error).toMatchObject({ code: 'write-failed' });
    }
  }
  expect(refused).toBeGreaterThan(10);
  expect(acknowledged.size).toBeGreaterThan(10);
  expect(thrownBy(() => journal.put('large', 'x'.repeat(8192)))).toMatchObject({ code: 'write-failed' });
  expect(journal.state()).toMatchObject({ status: 'degraded' });
  expect([...journal.entries()]).toEqual([...acknowledged]);

  // A successor can read it while the disk is still full.
  journal.close();
  const successor = await openTexts(join(disk.path, 'registry'), { compactAfter: 16 });
  expect([...successor.entries()]).toEqual([...acknowledged]);
  expect(successor.recovered).toMatchObject({ quarantined: [], dropped: 0 });

  rmSync(ballast);
  successor.put('k0', 'room again');
  acknowledged.set('k0', 'room again');
  for (const key of [...acknowledged.keys()].slice(4)) {
    successor.delete(key);
    acknowledged.delete(key);
  }
  successor.close();
  const last = await openTexts(join(disk.path, 'registry'));
  expect([...last.entries()]).toEqual([...acknowledged]);
  expect(last.state()).toEqual({ status: 'ok' });
  expect(corruptFiles(disk.path)).toEqual([]);
  last.close();
});
