import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryDirectory extends AsyncDisposable {
  /** Absolute, without symbolic links, mode 0700. */
  readonly path: string;
}

/** A directory of this test alone, removed when it leaves scope: `await using directory = await temporaryDirectory()`. */
export const temporaryDirectory = async (): Promise<TemporaryDirectory> => {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'cm-test-')));
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      // A test may have left it unwritable, which only root could remove.
      await chmod(path, 0o700).catch(() => {});
      await rm(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};
