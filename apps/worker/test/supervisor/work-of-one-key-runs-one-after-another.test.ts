import { expect, test } from 'vitest';
import { createSerial } from '../../src/supervisor/serial.js';

test('in the order in which it came, whatever fails; other keys do not wait', async () => {
  const serial = createSerial();
  const story: string[] = [];
  const work =
    (name: string, fails = false) =>
    async (): Promise<string> => {
      story.push(`${name} begins`);
      await new Promise(setImmediate);
      story.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    };
  const results = await Promise.allSettled([
    serial.run('key', work('one')),
    serial.run('key', work('two', true)),
    serial.run('key', work('three')),
    serial.run('other', work('beside')),
  ]);
  expect(story.filter((line) => !line.startsWith('beside'))).toEqual([
    'one begins',
    'one ends',
    'two begins',
    'two ends',
    'three begins',
    'three ends',
  ]);
  expect(story.indexOf('beside begins')).toBeLessThan(story.indexOf('one ends'));
  expect(results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.message))).toEqual([
    'one',
    'two',
    'three',
    'beside',
  ]);
  expect(await serial.run('key', work('later'))).toBe('later');
});
