import { describe, expect, test } from 'vitest';
import { probeContainment } from '../src/index.js';

describe('containment', () => {
  test('on Linux: groups, found again by cookie and lineage; what that cannot see is said', () => {
    const { tier, tiers, canMiss } = probeContainment('linux');
    expect(tier).toBe('group');
    expect(tiers.map(({ tier: name, available }) => [name, available])).toEqual([
      ['cgroup', false],
      ['group', true],
    ]);
    expect(canMiss).toHaveLength(1);
    expect(canMiss[0]).toContain('cleared its environment');
  });

  test('on Windows: trees, ended before their root', () => {
    const { tier, why, canMiss } = probeContainment('win32');
    expect(tier).toBe('job');
    expect(why).toContain('before their root');
    expect(canMiss).toEqual(['a process whose parent had already ended']);
  });

  test.each(['darwin', 'freebsd'] as const)('on %s: none, and it says so', (platform) => {
    expect(probeContainment(platform)).toMatchObject({
      tier: 'none',
      why: `unsupported platform ${platform}`,
      canMiss: ['everything'],
    });
  });

  test('by default it is asked for this machine', () => {
    expect(probeContainment()).toEqual(probeContainment(process.platform));
  });
});
