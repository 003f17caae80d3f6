import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { createWaiting } from '../../src/supervisor/waiting.js';

/** A wait for what never comes. */
const forever = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

test('with the session that they wait in, or all at once; each hears why (field failure 50)', async () => {
  const waiting = createWaiting();
  const { signal } = new AbortController();
  const codes: string[] = [];
  const wait = (session: string): Promise<unknown> =>
    waiting.during(session, signal, forever).catch((error) => codes.push(`${session}: ${error.code}`));
  const [one, two] = [wait('one'), wait('two')];
  waiting.sendAway('one');
  await one;
  expect(codes).toEqual(['one: SESSION_ENDED']);
  waiting.sendAway();
  await two;
  expect(codes).toEqual(['one: SESSION_ENDED', 'two: STOPPING']);
  // Whoever comes later is asked by somebody else.
  expect(await waiting.during('one', signal, async () => 'served')).toBe('served');
});

test('and leave when their own signal says so; nothing listens to it any more afterwards, whichever way it went', async () => {
  const waiting = createWaiting();
  const leaver = new AbortController();
  const left = waiting.during('s', leaver.signal, forever);
  leaver.abort(new Error('enough'));
  await expect(left).rejects.toThrow('enough');
  await expect(waiting.during('s', leaver.signal, async () => 'served')).rejects.toThrow('enough');
  const patient = new AbortController();
  await waiting.during('s', patient.signal, async () => 'served');
  expect(getEventListeners(patient.signal, 'abort')).toEqual([]);
});
