import { expect, test } from 'vitest';
import { bytes, duration, plain, table, tree } from '../../src/cli/format.js';

test('columns are as wide as their widest cell; the last one is as it is', () => {
  expect(
    table(
      ['ID', 'STATE', 'NOTE'],
      [
        ['a-long-id', 'on', 'x'],
        ['b', 'ending', ''],
      ],
    ),
  ).toBe('ID         STATE   NOTE\na-long-id  on      x\nb          ending');
  expect(table(['ID', 'STATE'], [])).toBe('ID  STATE');
});

test('a tree shows what hangs on what', () => {
  const leaf = (label: string) => ({ label, children: [] });
  const nodes = [
    { label: 'a', children: [{ label: 'b', children: [leaf('c')] }, leaf('d')] },
    { label: 'e', children: [leaf('f')] },
  ];
  expect(tree(nodes)).toEqual(['├─ a', '│  ├─ b', '│  │  └─ c', '│  └─ d', '└─ e', '   └─ f']);
  expect(tree([])).toEqual([]);
});

test.each([
  [0, '0 s'],
  [59.9, '59 s'],
  [60, '1 min 0 s'],
  [3_599, '59 min 59 s'],
  [3_600, '1 h 0 min'],
  [90_061, '25 h 1 min'],
])('%d seconds are %s (field failure 37)', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [12_345_678, '12.3 MB'],
  [5e15, '5000.0 TB'],
])('%d bytes are %s', (count, text) => {
  expect(bytes(count)).toBe(text);
});

test('no control character, line break, direction mark or lone surrogate goes through', () => {
  expect(plain('\u001b[31mred\u001b[0m')).toBe('·[31mred·[0m');
  expect(plain('a\r\n\t\u0007\u009b\u202eb\u200b\ud800c')).toBe('a······b··c');
  expect(plain('ü 漢字 😀 "quoted" ─')).toBe('ü 漢字 😀 "quoted" ─');
});

test('what is too long is cut, and shown to be', () => {
  expect(plain('x'.repeat(200))).toBe('x'.repeat(200));
  expect(plain('x'.repeat(201))).toBe(`${'x'.repeat(199)}…`);
  expect(plain('abcdef', 4)).toBe('abc…');
});
