import { expect, it } from 'vitest';
import { startProcess } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { built, fixture } from './built.js';
import { seeded } from './seeded.js';
import { corruptFiles, openTexts } from './support.js';

const ROUNDS = 20;

it(`every acknowledged change is there after SIGKILL, ${ROUNDS} times on one journal (field failure 86, fault 11)`, async () => {
  const random = seeded(20_260_101);
  await using bundle = await built();
  await using temporary = await temporaryDirectory();
  const expected = new Map<string, number>();
  let next = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const args = [fixture('put-forever.mjs'), bundle.module, temporary.path, String(next)];
    let stdout: string;
    {
      await using writer = await startProcess(process.execPath, args);
      await writer.line();
      await new Promise((resolve) => setTimeout(resolve, random() * 60));
      const closed = new Promise((resolve) => writer.child.once('close', resolve));
      writer.child.kill('SIGKILL');
      await closed;
      stdout = writer.output().stdout;
    }
    const acknowledged = stdout.split('\n').slice(0, -1);
    for (const line of acknowledged) {
      const [what, key = '', n] = line.split(' ');
      if (what === 'put') expected.set(key, Number(n));
      else expected.delete(key);
      next = Number(n) + 1;
    }
    const journal = await openTexts(temporary.path);
    const found = new Map(Array.from(journal.entries(), ([key, value]) => [key, Number(value.split(' ')[0])]));
    // The change under way when the signal came may have been made without having been said; none after it.
    const underWay = `k${next % 7}`;
    const made = next % 5 === 4 ? !found.has(underWay) : found.get(underWay) === next;
    if (made && next % 5 === 4) expected.delete(underWay);
    else if (made) expected.set(underWay, next);
    if (made) next += 1;
    expect([...found], `round ${round}`).toEqual([...expected]);
    expect(journal.recovered, `round ${round}`).toMatchObject({ quarantined: [], dropped: 0 });
    journal.close();
  }
  expect(next).toBeGreaterThan(ROUNDS * 10);
  expect(corruptFiles(temporary.path)).toEqual([]);
}, 120_000);
