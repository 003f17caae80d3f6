import { expect, test } from 'vitest';
import { createLatch } from '../../src/supervisor/latch.js';

test('the first of two requests sets it, at once and for good (R1, R12, field failure 47)', () => {
  const latch = createLatch();
  expect(latch.isSet()).toBe(false);
  expect(() => latch.assertOpen()).not.toThrow();
  expect([latch.set(), latch.set(), latch.set()]).toEqual([true, false, false]);
  expect(latch.isSet()).toBe(true);
  expect(() => latch.assertOpen()).toThrow(expect.objectContaining({ code: 'STOPPING' }));
});
