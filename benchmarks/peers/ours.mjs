import { readFileSync } from 'node:fs';
import { joining } from '../lib/observer.mjs';

const cgroupOf = (pid) => /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];

/** Undefined where a tier works here, else why not. */
export const unavailable = async (tier) => {
  const { probeContainment } = await import('@cm/shutdown-cascade');
  const probed = await probeContainment();
  const found = probed.tiers.find((one) => one.tier === tier);
  return found?.available === true ? undefined : `no ${tier} tier: ${found?.why ?? 'unknown here'}`;
};

/** A scope of ours in one of its tiers, with as many leaders as it is given. */
export const ours = async (containment) => {
  const skipped = await unavailable(containment);
  if (skipped !== undefined) return { skipped };
  const { createScope } = await import('@cm/shutdown-cascade');
  let scope;
  return {
    begin: async ({ args, all = [args], work, graceMs }) => {
      scope = createScope({ containment, ...(graceMs === undefined ? {} : { graceMs }) });
      const leaders = [];
      for (const one of all) {
        // The cgroup tier has a cgroup for them: they must not be taken out of it.
        const [file, fileArgs] = joining(containment === 'cgroup' ? undefined : work, '/bin/sh', one);
        const { child } = await scope.spawn(file, fileArgs);
        leaders.push(child.pid);
      }
      if (containment === 'cgroup' && cgroupOf(leaders[0]) === cgroupOf(process.pid)) {
        throw new Error('the cgroup tier left its child in the cgroup of its parent');
      }
      return { leaders };
    },
    stop: async ({ force }) => {
      const { ok } = await scope.stop(force ? { force: AbortSignal.abort() } : {});
      if (!ok) throw new Error('the scope reports that something is left');
    },
    end: async () => void (await scope.stop()),
  };
};
