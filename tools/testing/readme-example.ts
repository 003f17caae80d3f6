import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.js';
import { type Finished, runToEnd } from './real-process.js';
import { temporaryDirectory } from './temporary-directory.js';

/** Runs the first example of a package's README on its sources, as a program of its own. */
export const runReadmeExample = async (
  packageRoot: URL,
  name: string,
): Promise<Finished & { readonly example: string }> => {
  const example = /```js\n(.*?)```/s.exec(await readFile(new URL('README.md', packageRoot), 'utf8'))?.[1];
  if (example === undefined) throw new Error(`the README of ${name} has no example`);
  await using directory = await temporaryDirectory();
  const source = join(directory.path, 'example.js');
  const index = fileURLToPath(new URL('src/index.ts', packageRoot));
  await writeFile(source, example.replace(`'${name}'`, JSON.stringify(index)));
  const program = await bundle(source, join(directory.path, 'example.mjs'));
  return { ...(await runToEnd(process.execPath, [program])), example };
};
