import { describe, expect, test } from 'vitest';
import { escalate, type Stage, stageEndsAtMs } from '../src/escalate.js';

const plan = { stopAtMs: 100, killAtMs: 500, killWaitMs: 50 };

describe('escalate', () => {
  test.each<[Stage, number, number | undefined, boolean, Stage]>([
    ['asked', 0, undefined, false, 'asked'],
    ['asked', 99, undefined, false, 'asked'],
    ['asked', 100, undefined, false, 'signalled'],
    ['asked', 499, undefined, false, 'signalled'],
    // However late the first look came, the stop signal is not left out.
    ['asked', 500, undefined, false, 'signalled'],
    ['asked', 9999, undefined, false, 'signalled'],
    ['asked', 0, undefined, true, 'killed'],
    ['signalled', 0, undefined, false, 'signalled'],
    ['signalled', 499, undefined, false, 'signalled'],
    ['signalled', 500, undefined, false, 'killed'],
    ['signalled', 100, undefined, true, 'killed'],
    // Until the kill has gone out there is nothing to give up.
    ['killed', 9999, undefined, false, 'killed'],
    ['killed', 559, 510, false, 'killed'],
    ['killed', 560, 510, false, 'given-up'],
    ['killed', 559, 510, true, 'killed'],
    ['killed', 0, 510, false, 'killed'],
    ['given-up', 0, 510, false, 'given-up'],
    ['given-up', 0, undefined, true, 'given-up'],
  ])('%s at %i ms, killed at %s, forced %s: %s', (stage, nowMs, killedAtMs, forced, next) => {
    expect(escalate(stage, plan, nowMs, killedAtMs, forced)).toBe(next);
  });

  test('without a soft stop the first look asks and the grace can be nothing', () => {
    expect(escalate('asked', { stopAtMs: 0, killAtMs: 5000, killWaitMs: 0 }, 0, undefined, false)).toBe('signalled');
    expect(escalate('asked', { stopAtMs: 0, killAtMs: 0, killWaitMs: 0 }, 0, undefined, false)).toBe('killed');
  });
});

test.each<[Stage, number | undefined, number]>([
  ['asked', undefined, 100],
  ['signalled', undefined, 500],
  ['killed', 510, 560],
  ['killed', undefined, Number.POSITIVE_INFINITY],
  ['given-up', 510, Number.POSITIVE_INFINITY],
])('%s, killed at %s, ends at %s ms', (stage, killedAtMs, endsAtMs) => {
  expect(stageEndsAtMs(stage, plan, killedAtMs)).toBe(endsAtMs);
});

test('a stage that is cut short by the kill ends with the kill', () => {
  expect(stageEndsAtMs('asked', { stopAtMs: Number.POSITIVE_INFINITY, killAtMs: 70, killWaitMs: 0 }, undefined)).toBe(
    70,
  );
});
