import { expect, it } from 'vitest';
import { nestsDeeperThan } from '../../src/supervisor/nests-deeper.js';

const nested = (levels: number): unknown => JSON.parse(`${'[{"a":'.repeat(levels / 2)}1${'}]'.repeat(levels / 2)}`);

it('counts arrays and objects, wherever they are', () => {
  expect(nestsDeeperThan(nested(10), 10)).toBe(false);
  expect(nestsDeeperThan(nested(12), 10)).toBe(true);
  expect(nestsDeeperThan({ first: 1, second: [[[]]] }, 4)).toBe(false);
  expect(nestsDeeperThan({ first: 1, second: [[[]]] }, 3)).toBe(true);
});

it.each([[null], [undefined], ['text'], [1], [true]])('finds %s flat', (value) => {
  expect(nestsDeeperThan(value, 0)).toBe(false);
});

it('does not itself overflow', () => {
  expect(nestsDeeperThan(nested(200_000), 500)).toBe(true);
});
