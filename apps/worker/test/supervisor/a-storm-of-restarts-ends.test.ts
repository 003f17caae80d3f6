import type { ProcessExit } from '@cm/process-registry';
import { describe, expect, test } from 'vitest';
import { isCleanEnd } from '../../src/supervisor/clean-end.js';
import { fromHistory, toHistory } from '../../src/supervisor/restart-history.js';
import {
  decideRestart,
  type Ending,
  NO_RESTARTS,
  noteRestart,
  type RestartDecision,
  type Restarts,
} from '../../src/supervisor/restart-policy.js';

const LIMITS = { backoffMs: 100, backoffMaxMs: 30_000, intensity: 5, periodMs: 60_000 } as const;
const HOUR_MS = 3_600_000;

const crash = (code: number | null, signal: string | null = null): ProcessExit => ({ code, signal, reason: 'crashed' });

const decide = (changes: Partial<Ending> = {}): RestartDecision =>
  decideRestart({
    policy: 'permanent',
    exit: crash(1),
    restarts: NO_RESTARTS,
    nowMs: 1_000_000,
    ranMs: 0,
    limits: LIMITS,
    ...changes,
  });

const verdict = (policy: Ending['policy'], exit: ProcessExit): string => {
  const decision = decide({ policy, exit });
  return decision.type === 'leave' ? decision.why : decision.type;
};

describe('who is started again', () => {
  test.each([
    ['exit code 0', crash(0), 'clean'],
    ['exit code 1', crash(1), 'restart'],
    ['SIGHUP', crash(null, 'SIGHUP'), 'clean'],
    ['SIGINT', crash(null, 'SIGINT'), 'clean'],
    ['SIGTERM', crash(null, 'SIGTERM'), 'clean'],
    ['SIGPIPE', crash(null, 'SIGPIPE'), 'clean'],
    ['SIGKILL', crash(null, 'SIGKILL'), 'restart'],
    ['SIGSEGV', crash(null, 'SIGSEGV'), 'restart'],
    ['129: SIGHUP', crash(129), 'clean'],
    ['130: SIGINT', crash(130), 'clean'],
    ['141: SIGPIPE', crash(141), 'clean'],
    ['143: SIGTERM', crash(143), 'clean'],
    ['137: SIGKILL', crash(137), 'restart'],
    ['an end that nobody saw', { code: null, signal: null, reason: 'lost' } as const, 'restart'],
  ] as const)('transient, after %s (field failure 26)', (_what, exit, expected) => {
    expect(verdict('transient', exit)).toBe(expected);
    expect(isCleanEnd(exit)).toBe(expected === 'clean');
  });

  test('permanent: whatever the end; temporary: never', () => {
    for (const exit of [crash(0), crash(1), crash(143), crash(null, 'SIGTERM'), crash(null, 'SIGKILL')]) {
      expect([verdict('permanent', exit), verdict('temporary', exit)]).toEqual(['restart', 'temporary']);
    }
  });

  test('nobody whose stop was asked for, however it ended (field failure 26)', () => {
    for (const policy of ['permanent', 'transient', 'temporary'] as const) {
      for (const exit of [crash(0), crash(1), crash(null, 'SIGKILL'), crash(143)]) {
        expect(verdict(policy, { ...exit, reason: 'asked' })).toBe('asked');
      }
    }
  });
});

/** Crashes at once, again and again; the decision about each end, with the moment of each start. */
const runs = (times: number, changes: Partial<Ending> = {}): { decisions: RestartDecision[]; starts: number[] } => {
  let nowMs = 0;
  let restarts: Restarts = NO_RESTARTS;
  const decisions: RestartDecision[] = [];
  const starts: number[] = [];
  for (let count = 0; count < times; count += 1) {
    const decision = decide({ restarts, nowMs, ...changes });
    decisions.push(decision);
    if (decision.type === 'leave') break;
    nowMs += decision.delayMs;
    starts.push(nowMs);
    restarts = noteRestart(decision.restarts, nowMs);
  }
  return { decisions, starts };
};

const delaysOf = (decisions: readonly RestartDecision[]): unknown[] =>
  decisions.map((decision) => (decision.type === 'leave' ? 'leave' : [decision.type, decision.delayMs]));

test('each restart within the period waits twice as long as the one before; the sixth is a storm (fault 30)', () => {
  expect(delaysOf(runs(6).decisions)).toEqual([
    ['restart', 100],
    ['restart', 200],
    ['restart', 400],
    ['restart', 800],
    ['restart', 1600],
    ['pause', 60_000],
  ]);
});

test('no wait is longer than the longest', () => {
  const limits = { backoffMs: 100, backoffMaxMs: 300, intensity: 1000, periodMs: 3_600_000 };
  expect(delaysOf(runs(5, { limits }).decisions).slice(1)).toEqual([
    ['restart', 200],
    ['restart', 300],
    ['restart', 300],
    ['restart', 300],
  ]);
  const many = { ...NO_RESTARTS, at: Array.from({ length: 999 }, () => 999_999) };
  expect(decide({ restarts: many, limits })).toMatchObject({ type: 'restart', delayMs: 300 });
});

test('after the pause it begins with a fresh budget; the pauses double, up to an hour (fault 30, field failures 12, 15)', () => {
  const pauses = runs(60).decisions.flatMap((decision) => (decision.type === 'pause' ? [decision.delayMs] : []));
  expect(pauses.slice(0, 8)).toEqual([60_000, 120_000, 240_000, 480_000, 960_000, 1_920_000, HOUR_MS, HOUR_MS]);
  expect(decide({ restarts: { count: 9, at: [1, 2, 3, 4, 5], storms: 5000 }, nowMs: 6 })).toMatchObject({
    type: 'pause',
    delayMs: HOUR_MS,
  });
  expect(delaysOf(runs(8).decisions).slice(5)).toEqual([
    ['pause', 60_000],
    ['restart', 200],
    ['restart', 400],
  ]);
});

test('a pause is never shorter than the period', () => {
  const limits = { ...LIMITS, intensity: 1, periodMs: 2 * HOUR_MS };
  expect(delaysOf(runs(2, { limits }).decisions)).toEqual([
    ['restart', 100],
    ['pause', 2 * HOUR_MS],
  ]);
});

test('who stays up for longer than the period is forgiven its storms; who does not is not (field failure 27)', () => {
  const restarts = { count: 12, at: [], storms: 3 };
  const stormsAfter = (ranMs: number): unknown => Object(decide({ restarts, ranMs })).restarts.storms;
  expect([stormsAfter(60_001), stormsAfter(60_000), stormsAfter(0)]).toEqual([0, 3, 3]);
  const spent = { count: 12, at: [999_000, 999_100, 999_200, 999_300, 999_400], storms: 3 };
  expect(decide({ restarts: spent, ranMs: 600 })).toMatchObject({ type: 'pause', delayMs: 480_000 });
});

test('the window is that of the next start: who has left it by then counts no more', () => {
  const at = [940_100, 999_100, 999_200, 999_300, 999_400];
  expect(decide({ restarts: { count: 5, at, storms: 0 } })).toMatchObject({ type: 'restart', delayMs: 3_200 });
  expect(decide({ restarts: { count: 5, at: [943_201, ...at.slice(1)], storms: 0 } })).toMatchObject({ type: 'pause' });
});

test('restarts that lie further back than the period count no more', () => {
  const at = [930_000, 935_000, 938_000, 939_000, 940_000];
  expect(decide({ restarts: { count: 5, at, storms: 0 } })).toEqual({
    type: 'restart',
    delayMs: 100,
    restarts: { count: 5, at: [], storms: 0 },
  });
});

test('whatever the ends, the settings and the delays: no period holds more starts than there may be (fault 30, field failures 12, 15, 27)', () => {
  let state = 1;
  const random = (below: number): number => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
  const codes = [0, 1, 137, 143, null];
  for (let round = 0; round < 300; round += 1) {
    const limits = {
      backoffMs: 1 + random(2_000),
      backoffMaxMs: 1 + random(20_000),
      intensity: 1 + random(6),
      periodMs: 1 + random(50_000),
    };
    let nowMs = random(1_000);
    let restarts: Restarts = NO_RESTARTS;
    const starts: number[] = [];
    for (let count = 0; count < 60; count += 1) {
      const exit = crash(codes[random(codes.length)] ?? null, random(2) === 0 ? null : 'SIGSEGV');
      const ranMs = random(4) === 0 ? random(100_000) : random(20);
      nowMs += ranMs;
      const decision = decideRestart({ policy: 'permanent', exit, restarts, nowMs, ranMs, limits });
      if (decision.type === 'leave') throw new Error('permanent means permanent');
      expect(decision.delayMs).toBeGreaterThanOrEqual(1);
      // It may have to wait for a slot besides.
      nowMs += decision.delayMs + (random(3) === 0 ? random(5_000) : 0);
      starts.push(nowMs);
      restarts = noteRestart(decision.restarts, nowMs);
      const within = starts.filter((atMs) => atMs > nowMs - limits.periodMs).length;
      expect({ round, within: within <= limits.intensity, count: restarts.count }).toEqual({
        round,
        within: true,
        count: starts.length,
      });
      // What is kept does not grow with the number of restarts.
      expect(restarts.at.length).toBeLessThanOrEqual(limits.intensity + 1);
    }
  }
});

test('on record are times that mean something to the next worker, whose clock has another origin', () => {
  const clockAt = (monotonicMs: number, wallMs: number) => ({ monotonicMs: () => monotonicMs, wallMs: () => wallMs });
  const restarts = { count: 7, at: [1_000.25, 2_000.5], storms: 1 };
  const record = toHistory(restarts, clockAt(5_000.5, 1_800_000_000_000));
  expect(record).toEqual({ count: 7, at: [1_799_999_996_000, 1_799_999_997_000], storms: 1 });
  expect(fromHistory(record, clockAt(100, 1_800_000_000_000))).toEqual({ count: 7, at: [-3_900, -2_900], storms: 1 });
  // Somebody has set the clock back meanwhile.
  expect(fromHistory(record, clockAt(100, 1_700_000_000_000)).at).toEqual([100, 100]);
  expect(fromHistory(undefined, clockAt(100, 0))).toBe(NO_RESTARTS);
});
