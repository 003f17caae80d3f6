import { describe, expect, test } from 'vitest';
import { type CgroupProbe, probeContainment } from '../src/index.js';

const available = (): CgroupProbe => ({ available: true, parent: '/cg/own' });
const refused = (): CgroupProbe => ({ available: false, why: 'no cgroup can be made in /cg: EACCES' });
const unasked = (): CgroupProbe => {
  throw new Error('probed where it was not wanted');
};
const tiersOf = (options: Parameters<typeof probeContainment>[0]): unknown =>
  probeContainment(options).tiers.map(({ tier, available: works }) => [tier, works]);

describe('containment', () => {
  test('on Linux: a cgroup where one can be made', () => {
    expect(probeContainment({ platform: 'linux', probe: available })).toMatchObject({
      tier: 'cgroup',
      cgroupParent: '/cg/own',
      canMiss: [expect.stringContaining('moved to another cgroup')],
    });
    expect(tiersOf({ platform: 'linux', probe: available })).toEqual([
      ['cgroup', true],
      ['group', true],
    ]);
  });

  test('on Linux without one: groups, found again by cookie and lineage; why there is no better, and what that cannot see', () => {
    const { tier, why, canMiss, cgroupParent } = probeContainment({ platform: 'linux', probe: refused });
    expect(tier).toBe('group');
    expect(why).toContain('no cgroup can be made in /cg: EACCES');
    expect(canMiss).toEqual([expect.stringContaining('cleared its environment')]);
    expect(cgroupParent).toBeUndefined();
    expect(tiersOf({ platform: 'linux', probe: refused })).toEqual([
      ['cgroup', false],
      ['group', true],
    ]);
  });

  test('who insists on a cgroup has no containment without one', () => {
    expect(probeContainment({ platform: 'linux', choice: 'cgroup', probe: refused })).toMatchObject({
      tier: 'none',
      why: 'no cgroup: no cgroup can be made in /cg: EACCES',
    });
    expect(probeContainment({ platform: 'darwin', choice: 'cgroup', probe: unasked })).toMatchObject({ tier: 'none' });
  });

  test('who wants groups is not asked for a cgroup', () => {
    expect(probeContainment({ platform: 'linux', choice: 'group', probe: unasked })).toMatchObject({ tier: 'group' });
  });

  test('on Windows: trees, ended before their root', () => {
    const { tier, why, canMiss } = probeContainment({ platform: 'win32', probe: unasked });
    expect(tier).toBe('job');
    expect(why).toContain('before their root');
    expect(canMiss).toEqual(['a process whose parent had already ended']);
  });

  test.each(['darwin', 'freebsd'] as const)('on %s: groups', (platform) => {
    expect(probeContainment({ platform, probe: unasked })).toMatchObject({
      tier: 'group',
      why: expect.stringContaining('Linux only'),
    });
  });

  test('by default it is asked for this machine', () => {
    expect(probeContainment()).toEqual(probeContainment({ platform: process.platform }));
  });
});
