import { expect, it } from 'vitest';
import { startProcess } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { built, fixture } from './built.js';
import { readTexts } from './support.js';

const KEYS = 7;

/** What `put-forever.mjs` has in its journal after its change number `last`, by the numbers of the values. */
const stateAfter = (last: number): Map<string, number> => {
  const state = new Map<string, number>();
  for (let n = 0; n <= last; n += 1) {
    if (n % 5 === 4) state.delete(`k${n % KEYS}`);
    else state.set(`k${n % KEYS}`, n);
  }
  return state;
};

const numbersIn = (entries: ReadonlyMap<string, string>): [string, number][] =>
  Array.from(entries, ([key, value]) => [key, Number(value.split(' ')[0])]);

const sameState = (a: readonly [string, number][], b: ReadonlyMap<string, number>): boolean =>
  a.length === b.size && a.every(([key, n]) => b.get(key) === n);

it('a reader beside a live writer sees every change up to one moment and none after it, through compactions', async () => {
  await using bundle = await built();
  await using temporary = await temporaryDirectory();
  await using writer = await startProcess(process.execPath, [
    fixture('put-forever.mjs'),
    bundle.module,
    temporary.path,
    '0',
  ]);
  await writer.line();
  // The writer folds its journal at every ninth change at the latest, so most looks are in the middle of something.
  let latest = -1;
  const moments = new Set<number>();
  for (let look = 0; look < 2000; look += 1) {
    const seen = numbersIn(readTexts(temporary.path));
    const newest = Math.max(-1, ...seen.map(([, n]) => n));
    // A deletion leaves no number: the state is that of the newest value, or of one of the deletions after it.
    const moment = [newest, newest + 1].find((last) => sameState(seen, stateAfter(last)));
    expect(moment, `look ${look}: ${JSON.stringify(seen)}`).toBeDefined();
    expect(moment).toBeGreaterThanOrEqual(latest);
    latest = moment ?? latest;
    moments.add(latest);
    // The writer's own acknowledgements come over a pipe, which somebody has to empty.
    if (look % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(moments.size).toBeGreaterThan(20);
}, 60_000);
