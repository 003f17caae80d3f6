import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../../tools/testing/bundle.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';

export const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

export interface Built extends AsyncDisposable {
  /** A module without any import but Node's own. */
  readonly module: string;
}

/** The sources, siblings included, as a module that a real process can import. */
export const built = async (): Promise<Built> => {
  const directory = await temporaryDirectory();
  const module = await bundle(fixture('bundle.ts'), join(directory.path, 'bundle.mjs'));
  return { module, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
};
