import { expect, test } from 'vitest';
import { compareIdentity, type IdentityMatch, type ProcessIdentity } from '../src/index.js';

const base: ProcessIdentity = { pid: 42, startToken: '~100.0', bootId: 'boot', machineId: 'machine', pidNs: 'freebsd' };

const rows: [string, Partial<ProcessIdentity>, Partial<ProcessIdentity>, IdentityMatch][] = [
  ['the same second', {}, {}, 'same'],
  ['2 s apart', { startToken: '~102' }, {}, 'same'],
  ['across a power of ten', { startToken: '~99.0' }, {}, 'same'],
  ['a little more apart: a slow look, or another process', { startToken: '~102.1' }, {}, 'unknown'],
  ['4 s apart', { startToken: '~104' }, {}, 'unknown'],
  ['more than 4 s apart', { startToken: '~104.1' }, {}, 'different'],
  ['before the boot', { startToken: '~-1.0' }, { startToken: '~0.5' }, 'same'],
  ['an exact one of the same digits', { startToken: '100.0' }, {}, 'unknown'],
  ['an exact one of other digits', { startToken: '999' }, {}, 'unknown'],
  ['nonsense', { startToken: '~x' }, {}, 'unknown'],
  ['none', { startToken: '' }, {}, 'unknown'],
  ['boots 2 s apart', { bootId: '~1000.0' }, { bootId: '~1002.0' }, 'same'],
  ['boots far apart: a reboot, or a clock that was set', { bootId: '~1000.0' }, { bootId: '~9000.0' }, 'unknown'],
  ['an approximate boot and an exact one', { bootId: '~1000.0' }, {}, 'unknown'],
];

test.each(rows)('%s', (_name, recorded, observed, match) => {
  expect(compareIdentity({ ...base, ...recorded }, { ...base, ...observed })).toBe(match);
  expect(compareIdentity({ ...base, ...observed }, { ...base, ...recorded })).toBe(match);
});
