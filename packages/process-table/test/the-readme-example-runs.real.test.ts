import { expect, test } from 'vitest';
import { runReadmeExample } from '../../../tools/testing/readme-example.js';

test('the example of the README runs, and prints what it says', async () => {
  const { code, stdout } = await runReadmeExample(new URL('../', import.meta.url), '@cm/process-table');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'sent\n' });
});
