import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { createScope, probeContainment } from '../src/index.js';

const { tiers } = probeContainment();

describe.each(['cgroup', 'group'] as const)('in tier %s', (tier) => {
  const { available = false, why = 'not here' } = tiers.find((one) => one.tier === tier) ?? {};
  if (!available) console.warn(`skipped: output in tier ${tier}: ${why}`);

  test.skipIf(!available)('what a child writes that ends at once is there for whoever spawned it', async () => {
    await using scope = createScope({ containment: tier });
    for (let round = 0; round < 20; round += 1) {
      const { child } = await scope.spawn('sh', ['-c', 'echo out; echo err >&2'], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      if (child.stdout === null || child.stderr === null) throw new Error('no streams');
      expect(await Promise.all([text(child.stdout), text(child.stderr)])).toEqual(['out\n', 'err\n']);
    }
  });

  test.skipIf(!available)('what nobody reads does not keep it from closing', async () => {
    await using scope = createScope({ containment: tier });
    for (let round = 0; round < 5; round += 1) {
      const { closed } = await scope.spawn('sh', ['-c', 'echo out'], { stdio: ['ignore', 'pipe', 'pipe'] });
      await closed;
    }
  });
});
