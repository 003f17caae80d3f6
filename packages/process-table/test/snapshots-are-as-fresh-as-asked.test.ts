import { expect, test } from 'vitest';
import { createSnapshots, type Snapshots } from '../src/windows/snapshots.js';

const scene = (): {
  snapshots: Snapshots<number>;
  asked: () => number;
  answer: (failure?: Error) => Promise<void>;
  wait: (ms: number) => void;
} => {
  let asked = 0;
  let now = 0;
  let settle: ((failure?: Error) => void) | undefined;
  const ask = (): Promise<number> => {
    asked += 1;
    const mine = asked;
    return new Promise((resolve, reject) => {
      settle = (failure) => (failure === undefined ? resolve(mine) : reject(failure));
    });
  };
  return {
    snapshots: createSnapshots(ask, 250, () => now),
    asked: () => asked,
    answer: async (failure) => {
      settle?.(failure);
      await new Promise(setImmediate);
    },
    wait: (ms) => {
      now += ms;
    },
  };
};

test('a recent one is answered again for as long as it was said, counted from the question', async () => {
  const { snapshots, asked, answer, wait } = scene();
  const first = snapshots.recent();
  wait(200);
  await answer();
  expect(await first).toBe(1);
  wait(50);
  expect(await snapshots.recent()).toBe(1);
  wait(1);
  void snapshots.recent();
  expect(asked()).toBe(2);
});

test('recent ones share the question under way', async () => {
  const { snapshots, asked, answer } = scene();
  const both = Promise.all([snapshots.recent(), snapshots.recent()]);
  await answer();
  expect(await both).toEqual([1, 1]);
  expect(asked()).toBe(1);
});

test('a fresh one does not take the answer to an earlier question; those who wait share the next', async () => {
  const { snapshots, asked, answer } = scene();
  const first = snapshots.fresh();
  const later = Promise.all([snapshots.fresh(), snapshots.fresh()]);
  expect(asked()).toBe(1);
  await answer();
  expect(await first).toBe(1);
  expect(asked()).toBe(2);
  // The second question is out: whoever comes now waits for a third.
  const last = snapshots.fresh();
  await answer();
  expect(await later).toEqual([2, 2]);
  await answer();
  expect(await last).toBe(3);
  const alone = snapshots.fresh();
  await answer();
  expect(await alone).toBe(4);
});

test('a question that fails does not spoil the next', async () => {
  const { snapshots, answer } = scene();
  const first = snapshots.fresh();
  const second = snapshots.fresh();
  const failed = expect(first).rejects.toThrow('no');
  await answer(new Error('no'));
  await failed;
  await answer();
  expect(await second).toBe(2);
  expect(await snapshots.recent()).toBe(2);
});

test('what was asked before a change is forgotten, also when it is answered later', async () => {
  const { snapshots, asked, answer } = scene();
  const first = snapshots.recent();
  snapshots.forget();
  await answer();
  expect(await first).toBe(1);
  void snapshots.recent();
  expect(asked()).toBe(2);
});
