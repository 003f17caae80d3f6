import { measureLines } from '../lib/append-lines.mjs';
import { startDrivers } from '../lib/drivers.mjs';
import { atLeast, atMost, rowOf } from '../lib/goals.mjs';
import { measureLives } from '../lib/lives.mjs';
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
const KILLS = { quick: { ours: 20, others: 5 }, full: { ours: 200, others: 200 } };
const killsOf = (peer, mode) => KILLS[mode][peer === OURS ? 'ours' : 'others'];
const KILLED_ROWS = 1000;
const FIGURE = plot.figure;

const survives = (sigkill, power) => ({ 'made to survive SIGKILL': sigkill, 'after a power loss': power });
const SURVIVES = {
  [OURS]: survives('yes', 'an earlier state: snapshots are synced, single changes are not'),
  'in-place JSON': survives('no: the file is empty first', 'no'),
  [BASELINE]: survives('yes', 'the old state or the new: the file is synced, its directory is not'),
  [UNSYNCED]: survives('yes', 'no: the new name may lead to an empty file'),
  'better-sqlite3, OFF': survives('yes', 'no: the database may be damaged'),
  'better-sqlite3, NORMAL': survives('yes', 'the state of the last checkpoint, or a later one, whole'),
};

const nameOf = (rows) => `${rows.toLocaleString('en')} rows`;

/** Why a peer is not measured among so many rows; undefined where it is. */
const tooSlow = (peer, rows, mode) =>
  mode === 'quick' && rows === MOST_ROWS && WHOLE_FILE.includes(peer)
    ? 'skipped: every change writes all rows anew, tens of megabytes; --full measures it'
    : undefined;

/** One writer of each peer at the same time, again and again: whom the others hold up is killed in the middle of a write more often. */
const tearAll = async ({ mode, observer, signal, say }) => {
  say(`${killsOf(OURS, mode)} SIGKILLs of a writer of ours, ${killsOf(BASELINE, mode)} of each other one`);
  const { usable, close } = await startDrivers({ module: 'registry', peers: PEERS, observer });
  const torn = new Map([...usable.keys()].map((peer) => [peer, []]));
  const seeded = new Map();
  try {
    for (const [peer, driver] of usable) seeded.set(peer, await seedForWriters(driver, KILLED_ROWS));
    for (let round = 0; round < killsOf(OURS, mode); round += 1) {
      signal.throwIfAborted();
      const peers = [...usable.keys()].filter((peer) => round < killsOf(peer, mode));
      // All of them, whatever becomes of one: each ends what it has started.
      const kills = peers.map(async (peer) => torn.get(peer).push(await tear(seeded.get(peer))));
      const failure = (await Promise.allSettled(kills)).find(({ status }) => status === 'rejected');
      if (failure !== undefined) throw failure.reason;
    }
    return torn;
  } finally {
    await close();
  }
};

const countOf = (torn, peer, isSo) => {
  const taken = torn.get(peer);
  return taken === undefined || taken.length === 0 ? null : taken.filter(isSo).length;
};
const unreadable = ({ damage }) => damage !== undefined;
const lossy = ({ damage, lost }) => damage === undefined && lost > 0;

const tornFacts = (torn) => ({
  title: `What a SIGKILL of the writer at a random moment leaves, among ${nameOf(KILLED_ROWS)}`,
  lines: PEERS.map((peer) => ({
    peer,
    killed: torn.get(peer)?.length ?? null,
    unreadable: countOf(torn, peer, unreadable),
    'lost what was acknowledged': countOf(torn, peer, lossy),
    ...SURVIVES[peer],
  })),
});

const cellOf = (lives, peer, rows) => lives.find((cell) => cell.peer === peer && cell.rows === rows);

/** Milliseconds for one life, over all rounds together: what happens in one round of many counts in full. */
const costOf = (cell) => {
  const taken = cell?.samples ?? [];
  return taken.length === 0 ? null : taken.reduce((sum, { ms }) => sum + ms, 0) / taken.length;
};

/** Over the rounds that both have. */
const growthOf = (lives, peer) => {
  const [few, many] = [FEWEST_ROWS, MOST_ROWS].map((rows) => cellOf(lives, peer, rows));
  const both = Math.min(few?.samples.length ?? 0, many?.samples.length ?? 0);
  if (both === 0) return null;
  const [before, after] = [few, many].map(({ samples }) => costOf({ samples: samples.slice(0, both) }));
  return after / before;
};

const rateFacts = (lives, sizes) => ({
  title: 'Lives a second, all rounds together; growth: what a life costs among 100,000 rows, to what it costs among 10',
  lines: PEERS.map((peer) => {
    const rates = sizes.map((rows) => {
      const cost = costOf(cellOf(lives, peer, rows));
      return [nameOf(rows), cost === null ? null : rounded(1000 / cost)];
    });
    return { peer, ...Object.fromEntries(rates), growth: rounded(growthOf(lives, peer)) };
  }),
});

const pauseFacts = (lives) => ({
  title: `The worst that a caller meets among ${nameOf(MOST_ROWS)}, ms`,
  lines: PEERS.map((peer) => {
    const found = cellOf(lives, peer, MOST_ROWS)?.latencies;
    return {
      peer,
      changes: found?.n ?? null,
      median: rounded(found?.medianMs ?? null),
      'p99.9': rounded(found?.p999Ms ?? null),
      'longest change': rounded(found?.maxMs ?? null),
      'longest turn between two lives': rounded(found?.turnMs ?? null),
    };
  }),
});

const goalsOf = ({ rows, lives, torn, mode }) => {
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
    atMost('ours: a life costs at most 1.5 times as much among 100,000 rows as among 10', growthOf(lives, OURS), 1.5),
    atMost(`ours: unreadable, or without an acknowledged row, of ${killsOf(OURS, mode)} SIGKILLs`, torns, 0),
  ];
};

const notesOf = (lives) => [
  'A life is prepare, register, transition to its end, unregister. Everybody is given these four changes, one after another, each on disk (as far as the peer takes it there) before the next; claude-mem itself writes two of them.',
  'in-place JSON is writeFileSync of the whole map, as claude-mem keeps supervisor.json. write-file-atomic is given the whole map too. better-sqlite3 keeps each row as JSON under its id, in WAL mode.',
  `Ours keeps a whole row of its own shape and checks each; the others keep the same bytes unchecked. Its rounds among ${nameOf(MOST_ROWS)} replaced a file in ${cellOf(lives, OURS, MOST_ROWS).replaced} of ${cellOf(lives, OURS, MOST_ROWS).samples.length}: compactions are part of the figures.`,
  'A writer is killed within 60 ms of its first changes. Lost: a row that had been acknowledged is missing or behind, or one that had been forgotten is back.',
  'A write() of each line is what the journal does; the ratios of these figures are to that. Coalesced: the changes of one tick are one write through the thread pool, and those that come meanwhile are the next.',
];

/** The rows of the table, a case for each size. */
const rowsOfLives = (lives, sizes) =>
  sizes.flatMap((there) => {
    const cells = lives.filter(({ rows }) => rows === there);
    return rowsOf({
      name: nameOf(there),
      figures: { [FIGURE]: ({ ms }) => ms },
      baseline: BASELINE,
      peers: PEERS,
      samples: new Map(cells.map(({ peer, samples }) => [peer, samples])),
      skipped: new Map(cells.map(({ peer, skipped }) => [peer, skipped])),
    });
  });

export const run = async ({ mode, budgetMs: budget, observer, signal, say }) => {
  const sizes = SIZES[mode];
  const shared = { mode, observer, signal, say };
  const lives = await measureLives({
    ...shared,
    peers: PEERS,
    sizes,
    inBulk: [OURS],
    tooSlow: (peer, rows) => tooSlow(peer, rows, mode),
    budgetMs: budget,
  });
  const torn = await tearAll(shared);
  const appended = await measureLines({ ...shared, budgetMs: budget / 4 });
  const rows = rowsOfLives(lives, sizes);
  return {
    rows: [...rows, ...appended.rows],
    baseline: BASELINE,
    facts: [rateFacts(lives, sizes), pauseFacts(lives), tornFacts(torn), appended.facts],
    goals: [...goalsOf({ rows, lives, torn, mode }), ...appended.goals],
    notes: notesOf(lives),
  };
};
