import { expect, test } from 'vitest';
import { shellWord } from '../../src/supervisor/shell-word.js';

test.each([
  ['plain-1.2_x:/@+', 'plain-1.2_x:/@+'],
  ['x; touch pwned #', `'x; touch pwned #'`],
  [`it's`, `'it'\\''s'`],
  ['$(id)', `'$(id)'`],
  ['--force', `'--force'`],
  ['', `''`],
])('%j is pasted as %s', (text, word) => expect(shellWord(text)).toBe(word));
