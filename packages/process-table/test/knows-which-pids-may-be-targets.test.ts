import { expect, test } from 'vitest';
import { isTargetPid } from '../src/index.js';

const never = [
  0,
  1,
  -1,
  -42,
  1.5,
  2 ** 31,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '42',
  '12abc',
  null,
  undefined,
  {},
  [42],
  true,
  42n,
];

test.each(never)('R20, fault 7: %s may not', (pid) => {
  expect(isTargetPid(pid)).toBe(false);
});

test.each([2, 42, 4_194_304, 2 ** 31 - 1])('%d may', (pid) => {
  expect(isTargetPid(pid)).toBe(true);
});
