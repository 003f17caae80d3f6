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
  await writeFile(source, example.replace("'@cm/process-table'", JSON.stringify(index)));
  await build({
    config: false,
    silent: true,
    entry: [source],
    outDir: directory.path,
    format: ['esm'],
    target: 'node20',
    outExtension: () => ({ js: '.mjs' }),
  });
  const { code, stdout } = await runToEnd(process.execPath, [join(directory.path, 'example.mjs')]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'sent\n' });
});
