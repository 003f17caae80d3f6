import { expect, test } from 'vitest';
import { runReadmeExample } from '../../../tools/testing/readme-example.js';

test('the example of the README runs, and prints what it says', async () => {
  const root = new URL('../', import.meta.url);
  const { code, stdout, stderr, example } = await runReadmeExample(root, '@cm/shutdown-cascade');
  const printed = [...example.matchAll(/\/\/ prints: (.*)$/gm)].map(([, text]) => `${text}\n`).join('');
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: printed, stderr: '' });
  expect(printed).not.toBe('');
});
