import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runToEnd } from '../tools/testing/real-process.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The example as a reader would save it: below the repository, so that the packages resolve. */
const runExample = async (readme: string) => {
  const example = /```js\n(.*?)```/s.exec(await readFile(join(root, readme), 'utf8'))?.[1];
  if (example === undefined) throw new Error(`${readme} has no example`);
  const directory = join(root, 'node_modules', `.cm-example-${process.pid}`);
  await mkdir(directory, { recursive: true });
  try {
    await writeFile(join(directory, 'example.mjs'), example);
    return await runToEnd(process.execPath, [join(directory, 'example.mjs')], { deadlineMs: 60_000 });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

test.each([
  ['README.md', 'started server, status running\nended: exited\n'],
  ['apps/worker/README.md', 'server is running\neverything is gone\n'],
])('the example of %s runs, prints what it says, and ends by itself', { timeout: 90_000 }, async (readme, expected) => {
  const { code, stdout, stderr } = await runExample(readme);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: expected, stderr: '' });
});
