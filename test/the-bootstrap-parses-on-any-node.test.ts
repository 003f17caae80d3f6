import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';

// acorn comes with dependency-cruiser, which checks this repository's boundaries.
const require = createRequire(createRequire(import.meta.url).resolve('dependency-cruiser'));
const acorn: {
  parse(text: string, options: { ecmaVersion: number; sourceType: 'script' }): unknown;
} = require('acorn');
const es5 = (text: string): unknown => acorn.parse(text, { ecmaVersion: 5, sourceType: 'script' });

const script = readFileSync(new URL('../scripts/run.cjs', import.meta.url), 'utf8');

test('scripts/run.cjs is ES5: an old Node prints a sentence instead of a SyntaxError', () => {
  expect(es5(script)).toMatchObject({ type: 'Program' });
});

test.each(['const a = 1;', 'var a = () => 1;', 'var a = `b`;', 'var a = b?.c;', 'f(\n  a,\n);'])(
  'the parser would refuse %j',
  (text) => {
    expect(() => es5(text)).toThrow(SyntaxError);
  },
);

test('scripts/run.cjs requires built-in modules only, by names that every Node knows', () => {
  const names = [...script.matchAll(/require\('([^']+)'\)/g)].map(([, name]) => name);
  expect(names.sort()).toEqual(['child_process', 'fs', 'os', 'path']);
});
