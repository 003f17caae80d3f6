import type { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runToEnd } from '../../../tools/testing/real-process.js';
import { createScope, probeContainment } from '../src/index.js';
import { type Built, built, fixture } from './fixtures/built.js';
import { sweep } from './fixtures/holders.js';
import { lineOf } from './fixtures/line-of.js';

const { tiers } = probeContainment();
const COUNT = 20;
const GRACE_MS = 3_000;
/** What a wait may cost of one processor: less than one percent on an idle machine, and nobody’s is. */
const MOST = 0.02;
/** A collection of garbage, say. */
const SLACK_MS = 10;

describe.each(['cgroup', 'group'] as const)('in tier %s', (tier) => {
  const { available = false, why = 'not here' } = tiers.find((one) => one.tier === tier) ?? {};
  if (!available) console.warn(`skipped: the cost of waiting in tier ${tier}: ${why}`);
  let module: Built;
  beforeAll(async () => {
    module = await built();
  });
  afterAll(() => module[Symbol.asyncDispose]());

  test.skipIf(!available)('a stop that waits takes less than two percent of a processor', async () => {
    const args = [fixture('waits-for-the-stubborn.mjs'), module.module, tier, `${COUNT}`, `${GRACE_MS}`];
    const { stdout, stderr } = await runToEnd(process.execPath, args, { deadlineMs: 25_000 });
    if (stdout === '') throw new Error(stderr);
    const { waitedMs, cpuMs, ...rest } = JSON.parse(stdout);
    console.info(
      `${tier}: ${cpuMs.toFixed(1)} ms of processor in ${waitedMs.toFixed(0)} ms: ${((100 * cpuMs) / waitedMs).toFixed(2)} %`,
    );
    expect(rest).toMatchObject({ tier, ok: true, killed: COUNT });
    expect(waitedMs).toBeGreaterThan(GRACE_MS / 2);
    expect(cpuMs).toBeLessThan(waitedMs * MOST + SLACK_MS);
  });

  test.skipIf(!available).each([
    ['the leader is the last', 'trap "" TERM; echo up; read -r _ <&3; exit', false],
    ['a member in another session is the last', '(setsid sh -c \'trap "" TERM; echo up; read -r _ <&3\' &)', true],
    [
      'the same, and the environment is cleared, and the leader obeys',
      '(setsid env -i sh -c \'trap "" TERM; echo up; exec >&- 2>&-; read -r _ <&3\' &); exec sleep 600',
      false,
    ],
  ])('fault 33: it is over within 50 ms of the last end: %s', { retry: 2 }, async (_, script, leaderEnds) => {
    const scope = createScope({ containment: tier, graceMs: 30_000, killWaitMs: 10_000 });
    try {
      // Its standard input would be closed as soon as the leader has ended.
      const { child, exited } = await scope.spawn('sh', ['-c', script], {
        stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
      });
      await lineOf(child.stdout);
      if (leaderEnds) await exited;
      const settled: number[] = [];
      const asked = new Promise<void>((resolve) => {
        void scope
          .stop({ onProgress: ({ type }) => void (type === 'waiting' && resolve()) })
          .then(() => settled.push(performance.now()));
      });
      await asked;
      // It waits; then the last member ends, of itself.
      const endedAt = performance.now();
      (child.stdio[3] as Writable).end('\n');
      const report = await scope.stop();
      expect(report).toMatchObject({ ok: true, targets: [{ outcome: 'exited' }] });
      expect(performance.now() - endedAt).toBeLessThan(50);
    } finally {
      await scope.stop({ force: AbortSignal.abort() });
      sweep(scope.cookie);
    }
  });
});
