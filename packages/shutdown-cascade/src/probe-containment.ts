import { type CgroupProbe, probeCgroup } from './cgroup/probe-cgroup.js';

export interface ContainmentTier {
  readonly tier: 'cgroup' | 'group' | 'job';
  readonly available: boolean;
  readonly why: string;
}

export interface Containment {
  /** The strongest that works here, or the one that was asked for. */
  readonly tier: 'cgroup' | 'group' | 'job' | 'none';
  readonly why: string;
  /** What this tier cannot see at all. */
  readonly canMiss: readonly string[];
  readonly tiers: readonly ContainmentTier[];
  /** With tier `cgroup`: the directory in which groups can be made. */
  readonly cgroupParent?: string;
}

/** `auto` takes the strongest that works; `group` leaves the cgroup alone; `cgroup` is for whoever would rather fail than have less. */
export type ContainmentChoice = 'auto' | 'cgroup' | 'group';

export interface ProbeOptions {
  readonly platform?: NodeJS.Platform;
  /** Default `auto`. With `cgroup` the tier is `none` where that does not work. */
  readonly choice?: ContainmentChoice;
  readonly probe?: () => CgroupProbe;
}

const GROUP_WHY =
  'own process group and session for each child, found again by cookie, parent links, group, session and pipes';

const GROUP_MISSES = [
  'a process that cleared its environment, moved to a new session, closed every pipe made for it and lost its parent before it was seen',
];

const CGROUP_MISSES = [
  'a process that was moved to another cgroup by somebody with the right to do so, and is not found as in tier group',
];

const onWindows = (): Containment => {
  const why = 'trees are ended by taskkill, before their root';
  return {
    tier: 'job',
    why,
    canMiss: ['a process whose parent had already ended'],
    tiers: [
      { tier: 'cgroup', available: false, why: 'Linux only' },
      { tier: 'job', available: true, why },
    ],
  };
};

const group: ContainmentTier = { tier: 'group', available: true, why: GROUP_WHY };

const withoutCgroup = (why: string, choice: ContainmentChoice): Containment => {
  const tiers: ContainmentTier[] = [{ tier: 'cgroup', available: false, why }, group];
  return choice === 'cgroup'
    ? { tier: 'none', why: `no cgroup: ${why}`, canMiss: ['everything: nothing is started'], tiers }
    : { tier: 'group', why: `${GROUP_WHY} (no cgroup: ${why})`, canMiss: GROUP_MISSES, tiers };
};

/** Which means of containment work on this machine, and why not the others. Tries them out: some milliseconds. */
export const probeContainment = (options: ProbeOptions = {}): Containment => {
  const { platform = process.platform, choice = 'auto', probe = probeCgroup } = options;
  if (platform === 'win32') return onWindows();
  if (platform !== 'linux') return withoutCgroup('Linux only', choice);
  if (choice === 'group') return withoutCgroup('not wanted', choice);
  const probed = probe();
  if (!probed.available) return withoutCgroup(probed.why, choice);
  const why = 'each child joins a cgroup of its own before it runs, and the kernel ends all of it at once';
  return {
    tier: 'cgroup',
    why,
    canMiss: CGROUP_MISSES,
    tiers: [{ tier: 'cgroup', available: true, why: `groups can be made in ${probed.parent}` }, group],
    cgroupParent: probed.parent,
  };
};
