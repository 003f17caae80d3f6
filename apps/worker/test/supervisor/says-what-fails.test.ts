import { createFakeClock } from '@cm/process-table/testing';
import { describe, expect, test } from 'vitest';
import { createCrashes } from '../../src/supervisor/crashes.js';
import { crashesCheck, restartsCheck } from '../../src/supervisor/failing-processes.js';
import { processView } from '../../src/supervisor/views.js';
import { rowOf } from './row-of.js';

const HOUR_MS = 3_600_000;
const logOf = (rowId: string): string => `/logs/${rowId}.log`;
const run = (check: { run(signal: AbortSignal): unknown }): unknown => check.run(new AbortController().signal);

describe('what failed (field failure 55)', () => {
  test('is kept up to a bound, with how it ended and when', () => {
    const clock = createFakeClock();
    const crashes = createCrashes(clock);
    for (let count = 1; count <= 25; count += 1) {
      crashes.note({ rowId: `p${count}`, name: 'n', sessionId: 's', how: 'SIGSEGV' });
      clock.advance(1_000);
    }
    expect(crashes.list()).toHaveLength(20);
    expect(crashes.list().at(0)).toMatchObject({ rowId: 'p6', agoMs: 20_000 });
    expect(crashes.list().at(-1)).toEqual({
      rowId: 'p25',
      name: 'n',
      sessionId: 's',
      how: 'SIGSEGV',
      at: '2026-01-01T00:00:24.000Z',
      agoMs: 1_000,
    });
  });

  test('is a warning for an hour, which names the newest', () => {
    const clock = createFakeClock();
    const crashes = createCrashes(clock);
    const check = (): unknown => run(crashesCheck({ crashes: crashes.list(), logOf }));
    expect(check()).toEqual({ status: 'pass', detail: 'nothing has failed within the last hour' });
    crashes.note({ rowId: 'p1', name: 'old', sessionId: 's', how: 'exit code 1' });
    clock.advance(1_000);
    crashes.note({ rowId: 'p2', name: 'new', sessionId: 't', how: 'exit code 3' });
    expect(check()).toEqual({
      status: 'warn',
      detail:
        '2 failed within the last hour; the newest: "new" of session "t", exit code 3, at 2026-01-01T00:00:01.000Z',
      fix: 'see /logs/p2.log',
    });
    clock.advance(HOUR_MS - 1_000);
    expect(check()).toMatchObject({ status: 'warn', detail: expect.stringMatching(/^2 failed/) });
    clock.advance(1_000);
    expect(check()).toMatchObject({ status: 'warn', detail: expect.stringMatching(/^1 failed/) });
    clock.advance(1);
    expect(check()).toMatchObject({ status: 'pass' });
  });
});

test('what was started again too often is a warning with the row, where to look and the way out (fault 30)', () => {
  const row = rowOf();
  const often = { ...row, restarts: { count: 6, at: [], storms: 1 } };
  const at = '2026-01-01T00:01:00.000Z';
  const viewAs = (storm: boolean) => processView(often, [], undefined, { at, storm, waitsForSlot: false });
  expect(viewAs(true)).toMatchObject({ restarts: 6, restartAt: at, restartStorm: true });
  expect(processView(often)).toMatchObject({ restarts: 6, restartAt: null, restartStorm: false });
  expect(processView(row)).toMatchObject({ restarts: 0 });
  expect(run(restartsCheck({ processes: [processView(often), viewAs(false)], logOf }))).toMatchObject({
    status: 'pass',
  });
  expect(run(restartsCheck({ processes: [viewAs(false), viewAs(true)], logOf }))).toEqual({
    status: 'warn',
    detail: `too many restarts: "server" of session "s" was started again 6 times, next at ${at}, see /logs/p1.log`,
    fix: 'cm-worker end s, or DELETE /api/processes/p1',
  });
});
