import { basename, dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const TSCONFIG = fileURLToPath(new URL('../../tsconfig.base.json', import.meta.url));

/**
 * Bundles a file for a plain `node`: our own packages in, from source, so that nothing has to be built before. The name of the output says
 * which module system it is for: `.mjs` or `.cjs`. Returns the output.
 */
export const bundle = async (source: string, output: string): Promise<string> => {
  const extension = extname(output);
  await build({
    config: false,
    silent: true,
    dts: false,
    clean: false,
    entry: { [basename(output, extension)]: source },
    tsconfig: TSCONFIG,
    outDir: dirname(output),
    outExtension: () => ({ js: extension }),
    format: extension === '.cjs' ? 'cjs' : 'esm',
    platform: 'node',
    target: 'node20',
    noExternal: [/^@cm\//],
    external: ['tree-kill'],
    // Tests read from a bundle what it loads: `node:fs` stays `node:fs`.
    removeNodeProtocol: false,
    esbuildOptions: (options) => {
      options.conditions = ['@cm/source'];
    },
  });
  return output;
};
