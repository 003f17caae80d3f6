import { expect, it } from 'vitest';
import { type Check, type CheckResult, runDoctor } from '../src/index.js';

const check = (id: string, run: Check['run']): Check => ({ id, run });
const pass = (detail = 'fine'): CheckResult => ({ status: 'pass', detail });
const never = (): Promise<CheckResult> => new Promise(() => {});

it('is ok without checks, with passes and with warnings', async () => {
  expect(await runDoctor([])).toEqual({ ok: true, checks: [] });
  const report = await runDoctor([
    check('a', () => pass()),
    check('b', async () => ({ status: 'warn', detail: 'nearly full', fix: 'make room' })),
  ]);
  expect(report).toStrictEqual({
    ok: true,
    checks: [
      { id: 'a', status: 'pass', detail: 'fine' },
      { id: 'b', status: 'warn', detail: 'nearly full', fix: 'make room' },
    ],
  });
});

it('field failure 38: is not ok when one check fails', async () => {
  const report = await runDoctor([check('a', () => pass()), check('b', () => ({ status: 'fail', detail: 'gone' }))]);
  expect(report.ok).toBe(false);
});

it('makes a fail of a throw, a rejection, a timeout and a missing result, and keeps the rest', async () => {
  const report = await runDoctor(
    [
      check('throws', () => {
        throw new Error('boom');
      }),
      check('rejects', () => Promise.reject(new Error('later boom'))),
      check('throws text', () => {
        throw 'text';
      }),
      check('hangs', never),
      check('empty', (() => undefined) as unknown as Check['run']),
      check('shapeless', (() => ({ status: 'green', detail: '' })) as unknown as Check['run']),
      check('passes', () => pass()),
    ],
    { timeoutMs: 20 },
  );
  expect(report).toStrictEqual({
    ok: false,
    checks: [
      { id: 'throws', status: 'fail', detail: 'the check threw: boom' },
      { id: 'rejects', status: 'fail', detail: 'the check threw: later boom' },
      { id: 'throws text', status: 'fail', detail: 'the check threw: text' },
      { id: 'hangs', status: 'fail', detail: 'no answer within 20 ms' },
      { id: 'empty', status: 'fail', detail: 'the check gave no result' },
      { id: 'shapeless', status: 'fail', detail: 'the check gave no result' },
      { id: 'passes', status: 'pass', detail: 'fine' },
    ],
  });
});

it('R18: reports only what the contract has, whatever a check returns besides', async () => {
  const { checks } = await runDoctor([check('a', () => ({ ...pass(), token: 'hush' }))]);
  expect(checks).toStrictEqual([{ id: 'a', status: 'pass', detail: 'fine' }]);
});

it('aborts the signal of a check that ran out of time, and no other', async () => {
  const signals: AbortSignal[] = [];
  const remember =
    (then: Check['run']): Check['run'] =>
    (signal) => {
      signals.push(signal);
      return then(signal);
    };
  const obeys: Check['run'] = (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const { checks } = await runDoctor(
    [
      check('obeys', remember(obeys)),
      check(
        'quick',
        remember(() => pass()),
      ),
    ],
    {
      timeoutMs: 20,
    },
  );
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  expect(checks[0]?.detail).toBe('no answer within 20 ms');
});

it('runs the checks at the same time and keeps their order', async () => {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const ended: string[] = [];
  const { checks } = await runDoctor([
    // Would never end if the second began only after it.
    check('first', async () => {
      await gate;
      ended.push('first');
      return pass();
    }),
    check('second', () => {
      ended.push('second');
      open();
      return pass();
    }),
  ]);
  expect(ended).toEqual(['second', 'first']);
  expect(checks.map(({ id, status }) => [id, status])).toEqual([
    ['first', 'pass'],
    ['second', 'pass'],
  ]);
});

it('gives 2 s by default, also when asked for more than a timer can hold', async () => {
  let begun = 0;
  const slow = check('slow', () => new Promise((resolve) => setTimeout(() => resolve(pass(`${++begun}`)), 5)));
  expect((await runDoctor([slow])).ok).toBe(true);
  expect((await runDoctor([slow], { timeoutMs: Number.POSITIVE_INFINITY })).ok).toBe(true);
});

it('leaves no timer behind', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  await runDoctor([check('a', () => pass()), check('b', () => Promise.reject(new Error('x')))], { timeoutMs: 60_000 });
  expect(timers()).toBe(before);
});
