import { readdirSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../../tools/testing/bundle.js';
import type { PidFileAcquisition, PidFileFields, PidFileHandle, PidRecord } from '../src/index.js';
import type { Lock, LockResult } from '../src/lock.js';
import { record } from './fixtures/record.js';

export { record };

export const here = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

export const buildClaimant = (directory: string): Promise<string> =>
  bundle(here('fixtures/claimant.ts'), join(directory, 'claimant.mjs'));

export const writeRecord = async (path: string, changes: Partial<PidRecord>): Promise<PidRecord> => {
  const written = record(changes);
  await writeFile(path, JSON.stringify(written), { mode: 0o600 });
  return written;
};

export const fields = (dataDir: string): PidFileFields => ({
  port: 37_777,
  address: '127.0.0.1',
  version: '1.0.0',
  protocol: 1,
  dataDir,
});

export const lockOf = (result: LockResult): Lock => {
  if (result.status !== 'acquired') throw new Error(`not acquired: ${JSON.stringify(result)}`);
  return result.lock;
};

export const handleOf = (result: PidFileAcquisition): PidFileHandle => {
  if (result.status !== 'acquired') throw new Error(`not acquired: ${JSON.stringify(result)}`);
  return result.handle;
};

/** Everything in a directory that a write, a rename or a removal would change. */
export const snapshot = (directory: string): object[] =>
  readdirSync(directory)
    .sort()
    .map((name) => {
      const { ino, mtimeMs, ctimeMs, mode } = statSync(join(directory, name));
      return { name, ino, mtimeMs, ctimeMs, mode, content: readFileSync(join(directory, name), 'latin1') };
    });

export const isRoot: boolean = process.getuid?.() === 0;

/** For tests that only root can run: says so where they are skipped. */
export const needsRoot = (what: string): boolean => {
  if (!isRoot) console.warn(`skipped, only root can: ${what}`);
  return isRoot;
};
