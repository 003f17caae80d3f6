import { createFakeClock } from '@cm/process-table/testing';
import { expect, test } from 'vitest';
import { listenOnPort, PORT_PATIENCE_MS, PortTakenError } from '../../src/listen-on-port.js';

const errno = (code: string): Error => Object.assign(new Error(code), { code });

/** Ports that are taken; a number is until when. */
const machine = (taken: ReadonlyMap<number, number>) => {
  const clock = createFakeClock();
  const tried: number[] = [];
  const listen = async (port: number): Promise<number> => {
    tried.push(port);
    if (clock.monotonicMs() < (taken.get(port) ?? 0)) throw errno('EADDRINUSE');
    return port === 0 ? 50_000 : port;
  };
  return { clock, tried, listen };
};
const FOR_EVER = Number.POSITIVE_INFINITY;

test('a free port is taken at once', async () => {
  const { clock, tried, listen } = machine(new Map());
  expect(await listenOnPort(listen, { value: 4000, exact: true }, clock)).toBe(4000);
  expect([tried, clock.monotonicMs()]).toEqual([[4000], 0]);
});

test.each([true, false])('a port that comes free within a second is waited for (exact: %s; S6)', async (exact) => {
  const { clock, tried, listen } = machine(new Map([[4000, 600]]));
  expect(await listenOnPort(listen, { value: 4000, exact }, clock)).toBe(4000);
  expect(new Set(tried)).toEqual(new Set([4000]));
  expect(clock.monotonicMs()).toBeGreaterThanOrEqual(600);
  expect(clock.monotonicMs()).toBeLessThan(PORT_PATIENCE_MS);
});

test('an exact one that stays taken is an error after a second, and no other is tried', async () => {
  const { clock, tried, listen } = machine(new Map([[4000, FOR_EVER]]));
  const failing = listenOnPort(listen, { value: 4000, exact: true }, clock);
  await expect(failing).rejects.toThrow(PortTakenError);
  await expect(failing).rejects.toMatchObject({ port: 4000, message: 'port 4000 is taken' });
  expect(new Set(tried)).toEqual(new Set([4000]));
  expect(clock.monotonicMs()).toBe(PORT_PATIENCE_MS);
});

test('a preferred one that stays taken gives way to the next free one', async () => {
  const taken = new Map([4000, 4001, 4002].map((port) => [port, FOR_EVER]));
  const { clock, tried, listen } = machine(taken);
  expect(await listenOnPort(listen, { value: 4000, exact: false }, clock)).toBe(4003);
  expect(tried.slice(-3)).toEqual([4001, 4002, 4003]);
});

test('beyond its neighbours, and at the end of all ports, any free one will do', async () => {
  const crowded = machine(new Map(Array.from({ length: 101 }, (_, n) => [4000 + n, FOR_EVER])));
  expect(await listenOnPort(crowded.listen, { value: 4000, exact: false }, crowded.clock)).toBe(50_000);
  const last = machine(new Map([[65_535, FOR_EVER]]));
  expect(await listenOnPort(last.listen, { value: 65_535, exact: false }, last.clock)).toBe(50_000);
  expect(new Set(last.tried)).toEqual(new Set([65_535, 0]));
});

test('any other error is not a taken port', async () => {
  const clock = createFakeClock();
  for (const exact of [true, false]) {
    const listen = () => Promise.reject(errno('EACCES'));
    await expect(listenOnPort(listen, { value: 80, exact }, clock)).rejects.toMatchObject({ code: 'EACCES' });
  }
  expect(clock.monotonicMs()).toBe(0);
});
