import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { measureLines } from '../lib/append-lines.mjs';
import { startDrivers } from '../lib/drivers.mjs';
import { atLeast, atMost, rowOf } from '../lib/goals.mjs';
import { temporaryDirectory } from '../lib/mark.mjs';
import { runRounds } from '../lib/rounds.mjs';
import { rowsOf } from '../lib/rows.mjs';
import { rounded } from '../lib/statistics.mjs';
import { seedForWriters, tear } from '../lib/torn-writes.mjs';

export const id = 'B7';
export const title = 'Keep children on record: one whole life among those already there';
export const budgetMs = { quick: 6_000, full: 240_000 };
export const plot = { figure: 'one life on record', scale: 'log' };

const OURS = 'ours';
const BASELINE = 'write-file-atomic';
const UNSYNCED = 'write-file-atomic, no fsync';
const WHOLE_FILE = ['in-place JSON', BASELINE, UNSYNCED];
const PEERS = [OURS, ...WHOLE_FILE, 'better-sqlite3, OFF', 'better-sqlite3, NORMAL'];
const SIZES = { quick: [10, 1000, 100_000], full: [10, 1000, 10_000, 100_000] };
const [FEWEST_ROWS, MOST_ROWS] = [10, 100_000];
const FEWEST_ROUNDS = 3;
const MOST_ROUNDS = { quick: 8, full: 20 };
/** About as long as a sample takes, where a life is short. */
const SAMPLE_MS = 50;
const WARM_UP_MS = 500;
/** Ours makes so many lives for each row that is there, in the fewest rounds: what it does once in a while is done meanwhile, and counts. */
const LIVES_PER_ROW = 0.55;
const KILLS = { quick: { ours: 20, others: 5 }, full: { ours: 200, others: 200 } };
const killsOf = (peer, mode) => KILLS[mode][peer === OURS ? 'ours' : 'others'];
const KILLED_ROWS = 1000;
const FIGURE = plot.figure;

const SURVIVES = {
  [OURS]: ['yes', 'the state of a moment ago: snapshots are synced, single changes are not'],
  'in-place JSON': ['no: the file is empty first', 'no'],
  [BASELINE]: ['yes', 'the old state or the new: the file is synced, its directory is not'],
  [UNSYNCED]: ['yes', 'no: the new name may lead to an empty file'],
  'better-sqlite3, OFF': ['yes', 'no: the database may be damaged'],
  'better-sqlite3, NORMAL': ['yes', 'the state of the last checkpoint, whole'],
};

const nameOf = (rows) => `${rows.toLocaleString('en')} rows`;

/** Why a peer is not measured among so many rows; undefined where it is. */
const tooSlow = (peer, rows, mode) =>
  mode === 'quick' && rows === MOST_ROWS && WHOLE_FILE.includes(peer)
    ? 'skipped: every change writes all rows anew, tens of megabytes; --full measures it'
    : undefined;

const inodesOf = (paths) => paths.map((path) => statSync(path, { throwIfNoEntry: false })?.ino ?? 0).join(' ');

/** Code that is not compiled yet would make the first case look slow, and all others flat beside it. */
const warmUp = async (driver) => {
  for (const endsAt = performance.now() + WARM_UP_MS; performance.now() < endsAt; ) {
    await driver.call('lives', { count: 10 });
  }
};

/** How many lives one sample has: as many as take a moment. */
const livesPerSample = async (driver, rows) => {
  const { ms } = await driver.call('timed:lives', { count: 3 });
  const fit = Math.max(1, Math.min(2000, Math.floor((3 * SAMPLE_MS) / ms)));
  return driver.peer === OURS ? Math.max(fit, Math.ceil((rows * LIVES_PER_ROW) / FEWEST_ROUNDS)) : fit;
};

const livesAmong = async ({ rows: there, mode, budgetMs, usable, signal, say }) => {
  const peers = [...usable.keys()].filter((peer) => tooSlow(peer, there, mode) === undefined);
  const directories = [];
  const counts = new Map();
  const spent = new Map(peers.map((peer) => [peer, { lives: 0, ms: 0 }]));
  let replaced = 0;
  for (const peer of peers) {
    const driver = usable.get(peer);
    const directory = mkdtempSync(join(temporaryDirectory(), 'registry-'));
    directories.push(directory);
    await driver.call('begin', { directory, rows: there });
    if (there === FEWEST_ROWS) await warmUp(driver);
    counts.set(peer, await livesPerSample(driver, there));
    await driver.call('latencies');
  }
  say(`${nameOf(there)}: ${peers.map((peer) => `${peer} ${counts.get(peer)}`).join(', ')} lives a round`);
  const samples = await runRounds({
    peers,
    fewest: FEWEST_ROUNDS,
    most: MOST_ROUNDS[mode],
    budgetMs,
    signal,
    sample: async (peer) => {
      const driver = usable.get(peer);
      const count = counts.get(peer);
      const before = inodesOf(await driver.call('paths'));
      const { ms } = await driver.call('timed:lives', { count });
      if (inodesOf(await driver.call('paths')) !== before) replaced += 1;
      const all = spent.get(peer);
      all.lives += count;
      all.ms += ms;
      return { ms: ms / count };
    },
  });
  const latencies = [];
  for (const peer of peers) latencies.push([peer, await usable.get(peer).call('latencies')]);
  for (const peer of peers) await usable.get(peer).call('shut');
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  return { samples, spent, latencies: new Map(latencies), replaced };
};

/** One writer of each peer at the same time, again and again: whom the others hold up is killed in the middle of a write more often. */
const tearAll = async ({ mode, usable, signal, say }) => {
  say(`${killsOf(OURS, mode)} SIGKILLs of a writer of ours, ${killsOf(BASELINE, mode)} of each other one`);
  const torn = new Map([...usable.keys()].map((peer) => [peer, []]));
  const seeded = new Map();
  for (const [peer, driver] of usable) seeded.set(peer, await seedForWriters(driver, KILLED_ROWS));
  for (let round = 0; round < killsOf(OURS, mode); round += 1) {
    signal.throwIfAborted();
    const peers = [...usable.keys()].filter((peer) => round < killsOf(peer, mode));
    // All of them, whatever becomes of one: each ends what it has started.
    const kills = await Promise.allSettled(
      peers.map(async (peer) => torn.get(peer).push(await tear(seeded.get(peer)))),
    );
    const failure = kills.find(({ status }) => status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }
  return torn;
};

const countOf = (torn, peer, isSo) => {
  const taken = torn.get(peer);
  return taken === undefined || taken.length === 0 ? null : taken.filter(isSo).length;
};
const unreadable = ({ damage }) => damage !== undefined;
const lossy = ({ damage, lost }) => damage === undefined && lost > 0;

const tornFacts = (torn) => ({
  title: `What a SIGKILL of the writer at a random moment leaves, among ${nameOf(KILLED_ROWS)}`,
  columns: [
    'peer',
    'killed',
    'unreadable',
    'lost what was acknowledged',
    'made to survive SIGKILL',
    'after a power loss',
  ],
  lines: PEERS.map((peer) => [
    peer,
    torn.get(peer)?.length ?? null,
    countOf(torn, peer, unreadable),
    countOf(torn, peer, lossy),
    ...SURVIVES[peer],
  ]),
});

/** Milliseconds for one life, over all rounds together: what happens in one round of many counts in full. */
const costOf = (among, rows, peer) => {
  const { lives, ms } = among.get(rows)?.spent.get(peer) ?? { lives: 0, ms: 0 };
  return lives === 0 ? null : ms / lives;
};
const growthOf = (among, peer) => {
  const [few, many] = [FEWEST_ROWS, MOST_ROWS].map((rows) => costOf(among, rows, peer));
  return few === null || many === null ? null : many / few;
};

const rateFacts = (among) => ({
  title: 'Lives a second, all rounds together; growth: what a life costs among 100,000 rows, to what it costs among 10',
  columns: ['peer', ...[...among.keys()].map(nameOf), 'growth'],
  lines: PEERS.map((peer) => [
    peer,
    ...[...among.keys()].map((rows) => {
      const cost = costOf(among, rows, peer);
      return cost === null ? null : rounded(1000 / cost);
    }),
    rounded(growthOf(among, peer)),
  ]),
});

const pauseFacts = (among) => ({
  title: `The worst that a caller meets among ${nameOf(MOST_ROWS)}, ms`,
  columns: ['peer', 'changes', 'median', 'p99.9', 'longest change', 'longest turn between two lives'],
  lines: [...among.get(MOST_ROWS).latencies].map(([peer, { n, medianMs, p999Ms, maxMs, turnMs }]) => [
    peer,
    n,
    ...[medianMs, p999Ms, maxMs, turnMs].map(rounded),
  ]),
});

const goalsOf = ({ rows, among, torn, mode }) => {
  const ratio = (peer) => {
    const [own, other] = [OURS, peer].map((one) =>
      rowOf(rows, { case: nameOf(KILLED_ROWS), peer: one, figure: FIGURE }),
    );
    return own?.medianMs && other?.medianMs ? other.medianMs / own.medianMs : null;
  };
  const torns = countOf(torn, OURS, (one) => unreadable(one) || lossy(one));
  return [
    atLeast('ours: at least 10 times as fast as write-file-atomic, among 1,000 rows', ratio(BASELINE), 10),
    atLeast(
      'ours: at least 10 times as fast as write-file-atomic without fsync, among 1,000 rows',
      ratio(UNSYNCED),
      10,
    ),
    atMost('ours: a life costs at most 1.5 times as much among 100,000 rows as among 10', growthOf(among, OURS), 1.5),
    atMost(`ours: unreadable, or without an acknowledged row, of ${killsOf(OURS, mode)} SIGKILLs`, torns, 0),
  ];
};

const notesOf = (among) => [
  'A life is prepare, register, transition to its end, unregister. Everybody is given these four changes, one after another, each on disk (as far as the peer takes it there) before the next; claude-mem itself writes two of them.',
  'in-place JSON is writeFileSync of the whole map, as claude-mem keeps supervisor.json. write-file-atomic is given the whole map too. better-sqlite3 keeps each row as JSON under its id, in WAL mode.',
  `Ours keeps a whole row of its own shape and checks each; the others keep the same bytes unchecked. Its rounds among ${nameOf(MOST_ROWS)} replaced a file ${among.get(MOST_ROWS).replaced} times: compactions are part of the figures.`,
  'A writer is killed within 60 ms of its first changes. Lost: a row that had been acknowledged is missing or behind, or one that had been forgotten is back.',
  'A write() of each line is what the journal does; the ratios of these figures are to that. Coalesced: the changes of one tick are one write through the thread pool, and those that come meanwhile are the next.',
];

export const run = async ({ mode, budgetMs: budget, observer, signal, say }) => {
  const { usable, skipped, close } = await startDrivers({ module: 'registry', peers: PEERS, observer });
  const rows = [];
  const among = new Map();
  let torn;
  try {
    for (const there of SIZES[mode]) {
      const budgetMs = budget / SIZES[mode].length;
      const measured = await livesAmong({ rows: there, mode, budgetMs, usable, signal, say });
      among.set(there, measured);
      const without = new Map(PEERS.map((peer) => [peer, skipped.get(peer) ?? tooSlow(peer, there, mode)]));
      const figures = { [FIGURE]: ({ ms }) => ms };
      const { samples } = measured;
      rows.push(
        ...rowsOf({ name: nameOf(there), figures, baseline: BASELINE, peers: PEERS, samples, skipped: without }),
      );
    }
    torn = await tearAll({ mode, usable, signal, say });
  } finally {
    await close();
  }
  const appended = await measureLines({ mode, budgetMs: budget / 4, observer, signal, say });
  return {
    rows: [...rows, ...appended.rows],
    baseline: BASELINE,
    facts: [rateFacts(among), pauseFacts(among), tornFacts(torn), appended.facts],
    goals: goalsOf({ rows, among, torn, mode }),
    notes: notesOf(among),
  };
};
