import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));

export const writeResult = (result) => {
  const path = join(RESULTS, `${result.id}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
};

const number = (id) => Number(id.slice(1));

/** Every result there is, of this run or an earlier one, in the order of their numbers. */
export const readResults = () =>
  readdirSync(RESULTS)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(RESULTS, name), 'utf8')))
    .sort((a, b) => number(a.id) - number(b.id));
