/** A write() of each line, against lines that are collected and go through the thread pool: what a change costs, and what it keeps the loop from. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { startDrivers } from './drivers.mjs';
import { atMost, rowOf } from './goals.mjs';
import { temporaryDirectory } from './mark.mjs';
import { recordOf } from './registry-rows.mjs';
import { runRounds } from './rounds.mjs';
import { rowsOf } from './rows.mjs';
import { median, rounded } from './statistics.mjs';

const BASELINE = 'write() per change';
const PER_TICK = 'write() per tick';
const POOLED = ['appendFile, coalesced', 'FileHandle.write, coalesced'];
const PEERS = [BASELINE, PER_TICK, ...POOLED];
const TOGETHER = [1, 50];
const COUNT = { quick: 4_000, full: 20_000 };
const LINE = `${JSON.stringify({ crc: '00000000', change: [1, 'put', 'p0', recordOf(1, 'running')] })}\n`;
const FIGURE = 'one line, per change';
const FIGURES = {
  [FIGURE]: ({ perChangeMs }) => perChangeMs,
  'one line, the loop kept busy per change': ({ loopMs }) => loopMs,
  'one line, until the caller may go on': ({ waitedMs }) => waitedMs,
};

const nameOf = (together) => `${together} ${together === 1 ? 'caller' : 'callers'}`;

/** What the design has to know: whether the thread pool is worth its way. */
const goalOf = (rows, peer, together) => {
  const of = (one) => rowOf(rows, { case: nameOf(together), peer: one, figure: FIGURE })?.medianMs ?? null;
  const pooled = POOLED.map(of).filter((value) => value !== null);
  const value = of(peer) === null || pooled.length === 0 ? null : of(peer) / Math.min(...pooled);
  const text = `a ${peer}, ${nameOf(together)}: at most as long as the better way through the thread pool (1 is equal)`;
  return atMost(text, value, 1);
};

export const measureLines = async ({ mode, budgetMs, observer, signal, say }) => {
  const { usable, close } = await startDrivers({ module: 'lines', peers: PEERS, observer });
  const rows = [];
  const lines = [];
  try {
    for (const driver of usable.values()) {
      await driver.call('begin', { directory: mkdtempSync(join(temporaryDirectory(), 'lines-')) });
      await driver.call('append', { line: LINE, count: COUNT[mode], together: 1 });
    }
    for (const together of TOGETHER) {
      const name = nameOf(together);
      say(`lines of ${LINE.length} bytes: ${name}`);
      const samples = await runRounds({
        peers: PEERS,
        fewest: 3,
        most: mode === 'quick' ? 7 : 30,
        budgetMs: budgetMs / TOGETHER.length,
        signal,
        sample: async (peer) => {
          const args = { line: LINE, count: COUNT[mode], together };
          const { value, cpuMs } = await usable.get(peer).call('timed:append', args);
          return { ...value, cpuMs: cpuMs / COUNT[mode] };
        },
      });
      rows.push(...rowsOf({ name, figures: FIGURES, baseline: BASELINE, peers: PEERS, samples }));
      for (const peer of PEERS) {
        const of = (pick) => median(samples.get(peer).map(pick));
        const microseconds = (pick) => rounded(of(pick) * 1000);
        lines.push({
          'a line appended': `${peer}, ${name}`,
          'changes/s': Math.round(1000 / of(({ perChangeMs }) => perChangeMs)),
          'loop busy, µs': microseconds(({ loopMs }) => loopMs),
          'processor, µs': microseconds(({ cpuMs }) => cpuMs),
          'waited, µs': microseconds(({ waitedMs }) => waitedMs),
          'waited p99, µs': microseconds(({ waited99Ms }) => waited99Ms),
        });
      }
    }
  } finally {
    await close();
  }
  return {
    rows,
    facts: { title: 'A write() of each line, against lines that are coalesced', lines },
    goals: [goalOf(rows, BASELINE, 1), goalOf(rows, BASELINE, 50), goalOf(rows, PER_TICK, 50)],
  };
};
