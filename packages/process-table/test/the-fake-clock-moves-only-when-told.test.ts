import { describe, expect, test } from 'vitest';
import { systemClock } from '../src/index.js';
import { createFakeClock } from '../src/testing.js';

describe('the fake clock', () => {
  test('runs what was scheduled, in the order of time, as it passes', () => {
    const clock = createFakeClock();
    const seen: [string, number][] = [];
    clock.after(30, () => seen.push(['late', clock.monotonicMs()]));
    clock.after(10, () => {
      seen.push(['early', clock.monotonicMs()]);
      clock.after(5, () => seen.push(['nested', clock.monotonicMs()]));
    });
    clock.advance(20);
    expect(seen).toEqual([
      ['early', 10],
      ['nested', 15],
    ]);
    expect(clock.monotonicMs()).toBe(20);
    clock.advance(10);
    expect(seen.at(-1)).toEqual(['late', 30]);
  });

  test('sleeping moves it; an aborted sleep does not', async () => {
    const clock = createFakeClock();
    const start = clock.wallMs();
    await clock.sleep(1000);
    expect(clock.wallMs() - start).toBe(1000);
    await clock.sleep(1000, AbortSignal.abort());
    expect(clock.monotonicMs()).toBe(1000);
  });
});

describe('the system clock', () => {
  test('sleeps at least as long as asked, on a clock that nobody can set', async () => {
    const start = systemClock.monotonicMs();
    await systemClock.sleep(20);
    // Timers count whole milliseconds, so one may be lost to rounding.
    expect(systemClock.monotonicMs() - start).toBeGreaterThanOrEqual(19);
  });

  test('an abort ends a sleep at once, before or during it', async () => {
    const start = systemClock.monotonicMs();
    await systemClock.sleep(60_000, AbortSignal.abort());
    const abort = new AbortController();
    const sleeping = systemClock.sleep(60_000, abort.signal);
    abort.abort();
    await sleeping;
    expect(systemClock.monotonicMs() - start).toBeLessThan(30_000);
  });
});
