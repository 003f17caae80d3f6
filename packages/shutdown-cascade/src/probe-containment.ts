export interface ContainmentTier {
  readonly tier: 'cgroup' | 'group' | 'job';
  readonly available: boolean;
  readonly why: string;
}

export interface Containment {
  /** The strongest that works here. */
  readonly tier: 'group' | 'job' | 'none';
  readonly why: string;
  /** What this tier cannot see at all. */
  readonly canMiss: readonly string[];
  readonly tiers: readonly ContainmentTier[];
}

/** Which means of containment work on this machine, and why not the others. */
export const probeContainment = (platform: NodeJS.Platform = process.platform): Containment => {
  const cgroup: ContainmentTier = { tier: 'cgroup', available: false, why: 'not in this version' };
  if (platform === 'win32') {
    const why = 'trees are ended by taskkill, before their root';
    return {
      tier: 'job',
      why,
      canMiss: ['a process whose parent had already ended'],
      tiers: [cgroup, { tier: 'job', available: true, why }],
    };
  }
  if (platform !== 'linux') {
    return { tier: 'none', why: `unsupported platform ${platform}`, canMiss: ['everything'], tiers: [cgroup] };
  }
  const why = 'own process group and session for each child, found again by cookie, parent links, group and session';
  return {
    tier: 'group',
    why,
    canMiss: ['a process that cleared its environment, moved to a new session and lost its parent before it was seen'],
    tiers: [cgroup, { tier: 'group', available: true, why }],
  };
};
