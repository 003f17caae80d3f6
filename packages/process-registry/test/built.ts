import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';

const inPackage = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

export const fixture = (name: string): string => inPackage(`test/fixtures/${name}`);

export interface Built extends AsyncDisposable {
  /** A module without any import but Node's own. */
  readonly module: string;
}

/** The sources, siblings included, as a module that a real process can import. */
export const built = async (): Promise<Built> => {
  const directory = await temporaryDirectory();
  await build({
    config: false,
    silent: true,
    entry: { bundle: fixture('bundle.ts') },
    tsconfig: inPackage('tsconfig.json'),
    outDir: directory.path,
    outExtension: () => ({ js: '.mjs' }),
    format: 'esm',
    platform: 'node',
    target: 'node20',
    noExternal: [/^@cm\//],
    esbuildOptions: (options) => {
      options.conditions = ['@cm/source'];
    },
  });
  return { module: join(directory.path, 'bundle.mjs'), [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
};
