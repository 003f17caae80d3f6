/** What one life on record costs, for every registry among so many rows as are there: all of them in turns, so that those are compared which ran side by side. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startDriver } from './drivers.mjs';
import { temporaryDirectory } from './mark.mjs';
import { runRounds } from './rounds.mjs';

const FEWEST_ROUNDS = 3;
const MOST_ROUNDS = { quick: 6, full: 20 };
/** About as long as a sample takes, where a life is short. */
const SAMPLE_MS = 50;
/** Code that is not compiled yet would make some look slow, and others flat beside them. */
const WARM_UP_MS = 300;
/** Some do part of their work once in a while: they make so many lives for each row that is there, in the fewest rounds, and no less than this. */
const LIVES_PER_ROW = 0.55;
const LEAST_LIVES = 2000;

const inodesOf = (paths) => paths.map((path) => statSync(path, { throwIfNoEntry: false })?.ino ?? 0).join(' ');

/** A driver on a registry with so many rows, warm, and how many lives a sample of it has. */
const openCell = async ({ peer, rows, inBulk, observer }) => {
  const driver = await startDriver({ module: 'registry', peer, observer });
  if (driver.skipped !== undefined) return { driver, peer, rows, skipped: driver.skipped };
  const directory = mkdtempSync(join(temporaryDirectory(), 'registry-'));
  await driver.call('begin', { directory, rows });
  let lifeMs;
  for (let spentMs = 0, count = 1; spentMs < WARM_UP_MS; count = Math.min(100, count * 2)) {
    const { ms } = await driver.call('timed:lives', { count });
    spentMs += ms;
    lifeMs = ms / count;
  }
  // What was slow while it was warming up is nobody's pause.
  await driver.call('latencies');
  const fit = Math.max(1, Math.floor(SAMPLE_MS / lifeMs));
  const lives = inBulk ? Math.max(fit, LEAST_LIVES, Math.ceil((rows * LIVES_PER_ROW) / FEWEST_ROUNDS)) : fit;
  return { driver, peer, rows, directory, lives, replaced: 0 };
};

const closeCell = async ({ driver, directory }) => {
  await driver.close();
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
};

const sampleOf = async (cell) => {
  const { driver, lives } = cell;
  const before = inodesOf(await driver.call('paths'));
  const { ms } = await driver.call('timed:lives', { count: lives });
  if (inodesOf(await driver.call('paths')) !== before) cell.replaced += 1;
  return { ms: ms / lives };
};

/**
 * One result for each peer and size: `{ peer, rows, skipped?, samples, latencies?, replaced }`. `samples` are milliseconds for one life;
 * `replaced` counts the rounds in which a new file took the place of another.
 */
export const measureLives = async ({ peers, sizes, inBulk, tooSlow, mode, budgetMs, observer, signal, say }) => {
  const cells = new Map();
  const left = [];
  try {
    for (const rows of sizes) {
      const wanted = peers.filter((peer) => tooSlow(peer, rows) === undefined);
      for (const peer of peers) {
        if (!wanted.includes(peer)) left.push({ peer, rows, skipped: tooSlow(peer, rows), samples: [], replaced: 0 });
      }
      say(`${rows} rows for each of ${wanted.join(', ')}`);
      const opened = wanted.map(async (peer) => {
        const cell = await openCell({ peer, rows, inBulk: inBulk.includes(peer), observer });
        cells.set(`${peer}\n${rows}`, cell);
      });
      const failure = (await Promise.allSettled(opened)).find(({ status }) => status === 'rejected');
      if (failure !== undefined) throw failure.reason;
      signal.throwIfAborted();
    }
    say('lives among them, in turns');
    const samples = await runRounds({
      peers: [...cells.keys()].filter((key) => cells.get(key).skipped === undefined),
      fewest: FEWEST_ROUNDS,
      most: MOST_ROUNDS[mode],
      budgetMs,
      signal,
      sample: (key) => sampleOf(cells.get(key)),
    });
    const measured = [];
    for (const [key, { driver, peer, rows, skipped, replaced }] of cells) {
      const latencies = skipped === undefined ? await driver.call('latencies') : undefined;
      measured.push({ peer, rows, skipped, samples: samples.get(key) ?? [], latencies, replaced });
    }
    return [...measured, ...left];
  } finally {
    await Promise.all([...cells.values()].map(closeCell));
  }
};
