import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessTable, type ProcessRow } from '@cm/process-table';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProcess } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { readProcessRegistry } from '../src/index.js';
import { type Acknowledgements, acknowledgements } from './acknowledgements.js';
import { type Built, built, fixture } from './built.js';
import { seeded } from './seeded.js';

const POINTS = Number(process.env.CM_CRASH_POINTS ?? 200);
const SEED = Number(process.env.CM_CRASH_SEED ?? 20_261_128);
/** Few kills leave places out. */
const ALL = POINTS >= 500;
/** How often what chance has left out is tried by name. */
const MOST_TRIES = 100;
/** Side by side, each with a directory and children of its own. */
const CHAINS = 2;
const HOW = ['before', 'half', 'after'] as const;

/** A writer comes to about so many places while it opens, cleans up, and has three children. */
const PLACES = 120;
/** Where it must have been killed at least once: at each call of an opening and of a compaction, and at every kind of change. */
const MUST: readonly string[] = [
  ...[
    'read journal',
    'read snapshot.json',
    'open journal.tmp',
    'write journal.tmp',
    'sync journal.tmp',
    'rename journal.tmp',
  ].map((what) => `open ${what}`),
  ...['recover', 'intent', 'record', 'stop', 'forget', 'restart'].map((phase) => `${phase} write journal`),
  ...['open', 'write', 'syncInBackground', 'close', 'rename'].map((what) => `compaction ${what} snapshot.json.tmp`),
  'compaction syncDirectory registry',
  ...['open', 'write', 'rename'].map((what) => `compaction ${what} journal.tmp`),
  'intent spawned unrecorded',
  'restart spawned unrecorded',
];

interface Kill {
  /** The number of a place on its way, or the name of one. */
  readonly where: number | string;
  readonly how: (typeof HOW)[number];
}

let bundle: Built;
beforeAll(async () => {
  bundle = await built();
});
afterAll(() => bundle[Symbol.asyncDispose]());

const linesOf = async (directory: string, mark: string, seed: number, kill: Kill): Promise<string[]> => {
  const args = [bundle.module, directory, mark, String(seed), String(kill.where), kill.how];
  await using writer = await startProcess(process.execPath, [fixture('work-until-killed.mjs'), ...args]);
  const closed = new Promise((resolve) => writer.child.once('close', resolve));
  const { signal } = await writer.exit;
  await closed;
  const { stdout, stderr } = writer.output();
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself: ${stderr}`);
  return stdout.split('\n').slice(0, -1);
};

/** What is on disk after a kill, and everybody who carries a cookie of ours, from one look at the processes of this machine. */
const lookAfterwards = async (directory: string, mark: string) => {
  const table = createProcessTable();
  const listing = await table.list({ cookies: true });
  const living = listing.filter(({ cookie, state }) => cookie?.startsWith(mark) === true && state !== 'zombie');
  const read = readProcessRegistry({ directory });
  const recovered = await read.recover({ lookup: table.lookup, list: async () => listing });
  return { rows: read.rows, dropped: read.dropped, living, recovered };
};

const endAll = async (living: readonly ProcessRow[]): Promise<void> => {
  const table = createProcessTable();
  for (const { identity } of living) await table.signal(identity, 'SIGKILL');
};

const follow = (told: Acknowledgements, lines: readonly string[]): void => {
  for (const line of lines) {
    const [word, name = '', status = ''] = line.split(' ');
    if (word === 'try') told.attempt(name, status);
    if (word === 'done') told.done(name, status);
  }
};

describe.skipIf(process.platform !== 'linux')(`${POINTS} kills, seed ${SEED}`, () => {
  it('lose no acknowledged row, damage no file and leave no child without an owner (faults 11, 15; field failures 4, 8)', async () => {
    const hits = new Map<string, number>();
    const left = (): string[] => MUST.filter((place) => !hits.has(place));
    let kills = 0;

    const chain = async (number: number): Promise<void> => {
      const random = seeded(SEED + number);
      await using temporary = await temporaryDirectory();
      const directory = join(temporary.path, 'registry');
      const mark = `crash-${process.pid}-${number}-`;
      const told = acknowledgements();
      try {
        for (let round = 0; kills < POINTS || (ALL && left().length > 0 && kills < POINTS + MOST_TRIES); round += 1) {
          // By chance first; then, by name, what chance has left out.
          const missing = kills < POINTS ? [] : left();
          const wanted = missing[kills % Math.max(1, missing.length)];
          const kill: Kill = {
            where: wanted ?? 1 + Math.floor(random() * PLACES),
            how: HOW[Math.floor(random() * HOW.length)] ?? 'before',
          };
          const seed = Math.floor(random() * 2 ** 31);
          const story = `seed ${SEED}, chain ${number}, round ${round}: ${JSON.stringify({ ...kill, seed })}`;
          const lines = await linesOf(directory, mark, seed, kill);
          expect(lines, story).not.toContain('damaged');
          follow(told, lines);
          const { rows, dropped, living, recovered } = await lookAfterwards(directory, mark);

          expect(dropped, story).toBe(0);
          const onDisk = new Map(rows.map(({ name, status }): [string, string] => [name, status]));
          expect([...onDisk].sort(), story).toEqual(told.settle(onDisk));

          const owned = new Set(
            recovered.flatMap(({ row, status, found }) => [
              ...(status === 'alive' && row.identity !== undefined ? [row.identity.pid] : []),
              ...found.map(({ identity }) => identity.pid),
            ]),
          );
          const unowned = living.map(({ identity }) => identity.pid).filter((pid) => !owned.has(pid));
          expect(unowned, story).toEqual([]);

          kills += 1;
          const place = lines.at(-1)?.startsWith('here ') === true ? lines.at(-1)?.slice('here '.length) : 'at rest';
          hits.set(place ?? '', (hits.get(place ?? '') ?? 0) + 1);
        }
      } finally {
        const { living } = await lookAfterwards(directory, mark);
        await endAll(living);
        expect(readdirSync(directory).filter((name) => name.includes('corrupt'))).toEqual([]);
      }
    };
    await Promise.all(Array.from({ length: CHAINS }, (_, number) => chain(number)));

    console.log(`seed ${SEED}: ${kills} kills at ${hits.size} places, at rest ${hits.get('at rest') ?? 0}`);
    if (ALL) expect(left()).toEqual([]);
  }, 600_000);
});
