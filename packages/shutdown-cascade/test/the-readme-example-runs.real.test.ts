import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { expect, test } from 'vitest';
import { runToEnd } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';

test('the example of the README runs, and prints what it says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```js\n(.*?)```/s.exec(readme)?.[1];
  if (example === undefined) throw new Error('no example');
  await using directory = await temporaryDirectory();
  const source = join(directory.path, 'example.js');
  const index = fileURLToPath(new URL('../src/index.ts', import.meta.url));
  await writeFile(source, example.replace("'@cm/shutdown-cascade'", JSON.stringify(index)));
  await build({
    config: false,
    silent: true,
    entry: [source],
    tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)),
    outDir: directory.path,
    format: ['esm'],
    target: 'node20',
    noExternal: [/^@cm\//],
    external: ['tree-kill'],
    esbuildOptions: (options) => {
      options.conditions = ['@cm/source'];
    },
    outExtension: () => ({ js: '.mjs' }),
  });
  const { code, stdout, stderr } = await runToEnd(process.execPath, [join(directory.path, 'example.mjs')]);
  const printed = [...example.matchAll(/\/\/ prints: (.*)$/gm)].map(([, text]) => `${text}\n`).join('');
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: printed, stderr: '' });
  expect(printed).not.toBe('');
});
