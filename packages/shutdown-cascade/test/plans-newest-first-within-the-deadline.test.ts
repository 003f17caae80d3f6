import { createFakeProcessTable } from '@cm/process-table/testing';
import { describe, expect, test } from 'vitest';
import { planShutdown, withoutSignals } from '../src/plan-shutdown.js';
import type { StopTarget } from '../src/target.js';

const identity = createFakeProcessTable().start();
const named = (id: string, rest: Partial<StopTarget> = {}): StopTarget => ({ id, identity, ...rest });
const softStop = { ask: () => {}, waitMs: 300 };

const planOf = (rest: Partial<StopTarget>, deadlineMs?: number): Record<string, unknown> => {
  const [plan] = planShutdown([named('a', rest)], deadlineMs);
  if (plan === undefined) throw new Error('no plan');
  const { target: _, ...times } = plan;
  return times;
};

describe('the plan', () => {
  test('S3: the newest comes first, by order, else by place', () => {
    const ids = (targets: StopTarget[]): string[] => planShutdown(targets).map(({ target }) => target.id);
    expect(ids([named('first'), named('second'), named('third')])).toEqual(['third', 'second', 'first']);
    expect(ids([named('new', { order: 9 }), named('old', { order: 2 }), named('mid', { order: 5 })])).toEqual([
      'new',
      'mid',
      'old',
    ]);
  });

  test('does not reorder the list it is given', () => {
    const targets = [named('a'), named('b')];
    planShutdown(targets);
    expect(targets.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  test('S3: SIGTERM at once, SIGKILL after 5 s, 1 s to confirm', () => {
    expect(planOf({})).toEqual({ stopSignal: 'SIGTERM', stopAtMs: 0, killAtMs: 5000, killWaitMs: 1000 });
  });

  test.each([
    ['own times', { stopSignal: 'SIGINT', graceMs: 70, killWaitMs: 30 }, undefined, ['SIGINT', 0, 70, 30]],
    ['no grace', { graceMs: 0 }, undefined, ['SIGTERM', 0, 0, 1000]],
    ['a soft stop comes before the grace', { softStop }, undefined, ['SIGTERM', 300, 5300, 1000]],
    ['a roomy deadline changes nothing', {}, 60_000, ['SIGTERM', 0, 5000, 1000]],
    ['a deadline takes from the grace, not from the wait', {}, 3000, ['SIGTERM', 0, 2000, 1000]],
    ['a deadline below the wait kills at once', {}, 400, ['SIGTERM', 0, 0, 400]],
    ['a deadline of nothing', {}, 0, ['SIGTERM', 0, 0, 0]],
    ['a deadline cuts the soft stop as well', { softStop }, 1100, ['SIGTERM', 100, 100, 1000]],
  ] as const)('%s', (_, rest, deadlineMs, [stopSignal, stopAtMs, killAtMs, killWaitMs]) => {
    expect(planOf(rest, deadlineMs)).toEqual({ stopSignal, stopAtMs, killAtMs, killWaitMs });
  });

  test('without signals there is only the soft stop to wait for', () => {
    const times = (rest: Partial<StopTarget>): unknown =>
      planShutdown([named('a', rest)])
        .map(withoutSignals)
        .map(({ stopAtMs, killAtMs }) => ({ stopAtMs, killAtMs }));
    expect(times({})).toEqual([{ stopAtMs: Number.POSITIVE_INFINITY, killAtMs: 0 }]);
    expect(times({ softStop })).toEqual([{ stopAtMs: Number.POSITIVE_INFINITY, killAtMs: 5300 }]);
  });
});
