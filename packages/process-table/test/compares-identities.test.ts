import { describe, expect, test } from 'vitest';
import { compareIdentity, type IdentityMatch, type ProcessIdentity } from '../src/index.js';

const base: ProcessIdentity = { pid: 42, startToken: '100', bootId: 'boot', machineId: 'machine', pidNs: 'pid:[1]' };

const rows: [string, Partial<ProcessIdentity>, Partial<ProcessIdentity>, IdentityMatch][] = [
  ['everything equal', {}, {}, 'same'],
  ['another start token', { startToken: '99' }, {}, 'different'],
  ['another pid', { pid: 43 }, {}, 'different'],
  ['another pid, no start token', { pid: 43, startToken: '' }, {}, 'different'],
  ['an earlier boot of this machine', { bootId: 'earlier' }, {}, 'different'],
  ['an earlier boot, everything else unreadable', { bootId: 'earlier', pidNs: '', startToken: '' }, {}, 'different'],
  ['no machine id on either side, same boot', { machineId: '' }, { machineId: '' }, 'same'],
  ['a machine id on one side only, same boot', { machineId: '' }, {}, 'same'],
  // fault 3: neither "reused" nor "ours"
  ['fault 3: no start token in the record', { startToken: '' }, {}, 'unknown'],
  ['fault 3: no start token observed', {}, { startToken: '' }, 'unknown'],
  ['fault 3: no start token on either side', { startToken: '' }, { startToken: '' }, 'unknown'],
  ['fault 3: another machine, another boot', { machineId: 'other', bootId: 'other' }, {}, 'unknown'],
  ['fault 3: another machine that claims this boot', { machineId: 'other' }, {}, 'unknown'],
  ['fault 3: another PID namespace', { pidNs: 'pid:[2]' }, {}, 'unknown'],
  ['fault 3: another PID namespace and another pid', { pidNs: 'pid:[2]', pid: 43 }, {}, 'unknown'],
  ['no boot id in the record', { bootId: '' }, {}, 'unknown'],
  ['no boot id observed', {}, { bootId: '' }, 'unknown'],
  ['no boot id on either side', { bootId: '' }, { bootId: '' }, 'unknown'],
  ['another boot, no machine id in the record', { bootId: 'earlier', machineId: '' }, {}, 'unknown'],
  ['another boot, no machine id observed', { bootId: 'earlier' }, { machineId: '' }, 'unknown'],
  ['no PID namespace in the record', { pidNs: '' }, {}, 'unknown'],
  ['no PID namespace observed', {}, { pidNs: '' }, 'unknown'],
  ['no PID namespace on either side', { pidNs: '' }, { pidNs: '' }, 'unknown'],
];

describe('compareIdentity', () => {
  test.each(rows)('%s', (_name, recorded, observed, match) => {
    expect(compareIdentity({ ...base, ...recorded }, { ...base, ...observed })).toBe(match);
    // The question is symmetric.
    expect(compareIdentity({ ...base, ...observed }, { ...base, ...recorded })).toBe(match);
  });
});
