import { describe, expect, test } from 'vitest';
import { parseStat } from '../src/linux/parse-stat.js';
import { statText } from './fixtures/fake-proc-files.js';

describe('parseStat', () => {
  test('reads the fields that identify a process', () => {
    expect(
      parseStat(
        '5214 (true) Z 5171 5169 3063 0 -1 4227084 51 0 1 0 0 0 0 0 20 0 1 0 154090 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 1 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n',
      ),
    ).toEqual({
      pid: 5214,
      command: 'true',
      state: 'Z',
      ppid: 5171,
      pgid: 5169,
      sid: 3063,
      kernelThread: false,
      threads: 1,
      startTicks: '154090',
    });
  });

  test.each([
    ') (',
    '(((',
    ')))',
    'a) R 1 1 1 0 (b',
    '9) Z 0 0 0 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 1 0 7 0 (x',
    'two\nlines',
    ')\n(',
    '',
    ' ',
    'schlüssel',
  ])('fault 10: is not misled by the command %j', (command) => {
    expect(parseStat(statText({ pid: 42, ppid: 7, command, state: 'R', startTicks: 123 }))).toEqual({
      pid: 42,
      command,
      state: 'R',
      ppid: 7,
      pgid: 42,
      sid: 42,
      kernelThread: false,
      threads: 1,
      startTicks: '123',
    });
  });

  test('keeps a start time that a number could not hold', () => {
    const text = statText({ pid: 42 }).replace(' 100 ', ' 18446744073709551615 ');
    expect(parseStat(text)?.startTicks).toBe('18446744073709551615');
  });

  test.each([
    '',
    'no parentheses at all',
    ')(',
    '42 (node)',
    '42 (node) S',
    '42 (node) S 1 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0',
    '(node) S 1 42 42 0 -1 0 0 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0',
    '42 (node) S one 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0',
    '42 (node) S 1 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 soon 0',
  ])('takes %j for nothing', (text) => {
    expect(parseStat(text)).toBeUndefined();
  });
});
