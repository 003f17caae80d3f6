import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { type Finished, runToEnd } from '../../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';

const source = fileURLToPath(new URL('../../src', import.meta.url));

/** The sources as plain modules, for a Node that cannot read types; no build is needed first. */
const transpile = async (to: string): Promise<void> => {
  await writeFile(join(to, 'package.json'), '{"type":"module"}');
  for (const name of await readdir(source, { recursive: true })) {
    if (!name.endsWith('.ts')) continue;
    const { outputText } = ts.transpileModule(await readFile(join(source, name), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ES2022, target: ts.ScriptTarget.ES2022 },
    });
    const path = join(to, name.replace(/\.ts$/, '.js'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, outputText);
  }
};

/** Runs a module beside this package's modules in a process of its own, `through` another command if given. */
export const runScript = async (script: string, through: readonly string[] = []): Promise<Finished> => {
  await using directory = await temporaryDirectory();
  await transpile(directory.path);
  const main = join(directory.path, 'main.js');
  await writeFile(main, script);
  const [command = process.execPath, ...args] = [...through, process.execPath, main];
  return await runToEnd(command, args);
};
