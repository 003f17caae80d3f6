import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { createHeldSlots } from '../../src/supervisor/held-slots.js';
import { createSlots, type Slot, type Slots } from '../../src/supervisor/slots.js';

const never = (): AbortSignal => new AbortController().signal;

const taken = (slots: Slots): Slot => {
  const slot = slots.tryReserve();
  if (slot === undefined) throw new Error('no slot is free');
  return slot;
};

describe('a slot', () => {
  test('is reserved in the tick of the check: of nine who ask at once two get one (field failure 50b)', async () => {
    const slots = createSlots(2);
    const answers = await Promise.all(Array.from({ length: 9 }, async () => slots.tryReserve()));
    expect(answers.filter((slot) => slot !== undefined)).toHaveLength(2);
    expect(slots.state()).toEqual({ limit: 2, reserved: 2, waiting: 0 });
  });

  test('that is released twice is one slot (fault 32)', () => {
    const slots = createSlots(2);
    const first = taken(slots);
    taken(slots);
    first.release();
    first.release();
    expect(slots.state().reserved).toBe(1);
    taken(slots);
    first.release();
    expect(slots.tryReserve()).toBeUndefined();
  });

  test('released twice goes to one waiter (fault 32)', async () => {
    const slots = createSlots(1);
    const first = taken(slots);
    const granted: string[] = [];
    void slots.reserve(never()).then(() => granted.push('one'));
    void slots.reserve(never()).then(() => granted.push('two'));
    first.release();
    first.release();
    await Promise.resolve();
    expect([granted, slots.state()]).toEqual([['one'], { limit: 1, reserved: 1, waiting: 1 }]);
  });

  test('is always free without a limit', () => {
    const slots = createSlots(0);
    for (let count = 0; count < 1000; count += 1) taken(slots);
    expect(slots.state()).toEqual({ limit: 0, reserved: 1000, waiting: 0 });
  });
});

describe('whoever waits', () => {
  test('is served in the order in which they came, and is never overtaken (field failure 50)', async () => {
    const slots = createSlots(1);
    const first = taken(slots);
    const order: number[] = [];
    const waits = [1, 2, 3].map(async (number) => {
      const slot = await slots.reserve(never());
      order.push(number);
      return slot;
    });
    first.release();
    // The waiter has it, though it has not been able to look yet.
    expect(slots.tryReserve()).toBeUndefined();
    const slot = await waits[0];
    expect(slots.tryReserve()).toBeUndefined();
    slot?.release();
    (await waits[1])?.release();
    (await waits[2])?.release();
    expect([order, slots.state().reserved]).toEqual([[1, 2, 3], 0]);
  });

  test('gets one at once where one is free', async () => {
    const slots = createSlots(1);
    const slot = await slots.reserve(never());
    expect(slots.state()).toEqual({ limit: 1, reserved: 1, waiting: 0 });
    slot.release();
  });

  test('can leave, and takes no slot along (fault 32)', async () => {
    const slots = createSlots(1);
    const first = taken(slots);
    const leaver = new AbortController();
    const left = slots.reserve(leaver.signal);
    const stays = slots.reserve(never());
    leaver.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    expect(slots.state()).toEqual({ limit: 1, reserved: 1, waiting: 1 });
    first.release();
    (await stays).release();
    expect(slots.state()).toEqual({ limit: 1, reserved: 0, waiting: 0 });
  });

  test('and had left before, does not queue', async () => {
    const slots = createSlots(1);
    await expect(slots.reserve(AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    expect(slots.state()).toEqual({ limit: 1, reserved: 0, waiting: 0 });
  });

  test('leaves no listener behind, whichever way it ends', async () => {
    const slots = createSlots(1);
    const first = taken(slots);
    const [served, left] = [new AbortController(), new AbortController()];
    const waits = [slots.reserve(served.signal), slots.reserve(left.signal)];
    first.release();
    left.abort();
    await Promise.allSettled(waits);
    expect([served, left].map(({ signal }) => getEventListeners(signal, 'abort').length)).toEqual([0, 0]);
    // An abort that comes too late gives nothing back twice.
    served.abort();
    expect(slots.state()).toEqual({ limit: 1, reserved: 1, waiting: 0 });
  });
});

test('whatever is reserved, released and left, in any order: never more than the limit, and all of it comes back (fault 32)', async () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    let state = seed;
    const random = (below: number): number => {
      state = (state * 48271) % 2147483647;
      return state % below;
    };
    const limit = 1 + random(4);
    const slots = createSlots(limit);
    const held: Slot[] = [];
    const waiting: AbortController[] = [];
    for (let step = 0; step < 200; step += 1) {
      const action = random(4);
      if (action === 0) held.push(...[slots.tryReserve()].filter((slot) => slot !== undefined));
      if (action === 1) {
        const controller = new AbortController();
        waiting.push(controller);
        slots.reserve(controller.signal).then(
          (slot) => held.push(slot),
          () => {},
        );
      }
      if (action === 2) held[random(held.length + 1)]?.release();
      if (action === 3) waiting[random(waiting.length + 1)]?.abort();
      if (random(3) === 0) await Promise.resolve();
      const { reserved, waiting: queue } = slots.state();
      expect(reserved).toBeLessThanOrEqual(limit);
      // Nobody waits beside a free slot.
      if (queue > 0) expect(reserved).toBe(limit);
    }
    for (const controller of waiting) controller.abort();
    await new Promise(setImmediate);
    for (const slot of held) slot.release();
    expect(slots.state()).toEqual({ limit, reserved: 0, waiting: 0 });
  }
});

test('a row holds one until it is taken or released, and then no more', () => {
  const slots = createSlots(1);
  const held = createHeldSlots();
  held.put('row', taken(slots));
  const moved = held.take('row');
  held.release('row');
  expect([slots.state().reserved, held.take('row')]).toEqual([1, undefined]);
  held.put('successor', moved ?? taken(slots));
  held.release('successor');
  held.release('successor');
  expect(slots.state().reserved).toBe(0);
});
