import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryDirectory extends AsyncDisposable {
  /** Absolute, without symbolic links, mode 0700. */
  readonly path: string;
}

/** A directory of this test alone, removed when it leaves scope: `await using directory = await temporaryDirectory()`. */
export const temporaryDirectory = async (): Promise<TemporaryDirectory> => {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'cm-test-')));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
};
