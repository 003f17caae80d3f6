import { describe, expect, test } from 'vitest';
import { bootSecond, parseId } from '../src/posix/read-place.js';

describe('parseId', () => {
  test.each([
    ['kern.bootsessionuuid of macOS', '6D1C0B5E-2A11-4B52-9C7B-0B2E7F6A1C0D\n', '6d1c0b5e-2a11-4b52-9c7b-0b2e7f6a1c0d'],
    ['kern.hostuuid of FreeBSD', '4c860969-8ad1-a11c-dc00-cf6eb7d954e1\n', '4c860969-8ad1-a11c-dc00-cf6eb7d954e1'],
    [
      'kern.boot_id of FreeBSD',
      'Format: Length:16 Dump:0x4c8609698ad1a11cdc00cf6eb7d954e1\n',
      '4c8609698ad1a11cdc00cf6eb7d954e1',
    ],
    [
      'ioreg of macOS',
      '+-o J314sAP  <class IOPlatformExpertDevice, id 0x100000227>\n    {\n      "IOPlatformSerialNumber" = "C02AB"\n      "IOPlatformUUID" = "0B2E7F6A-1C0D-4B52-9C7B-6C1B0E5D2A11"\n    }\n',
      '0b2e7f6a-1c0d-4b52-9c7b-6c1b0e5d2a11',
    ],
    ['a machine that was given no id', '00000000-0000-0000-0000-000000000000\n', ''],
    ['nothing', '', ''],
    ['an error', 'sysctl: unknown oid', ''],
  ])('reads %s', (_name, text, id) => {
    expect(parseId(text)).toBe(id);
  });
});

test('the second of the boot is approximate', () => {
  expect(bootSecond(1_795_680_000_000, 1_234.56)).toBe('~1795678765.4');
});
