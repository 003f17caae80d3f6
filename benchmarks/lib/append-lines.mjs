/** A write() of each line, against lines that are collected and go through the thread pool: what a change costs, and what it keeps the loop from. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { startDrivers } from './drivers.mjs';
import { temporaryDirectory } from './mark.mjs';
import { recordOf } from './registry-rows.mjs';
import { runRounds } from './rounds.mjs';
import { rowsOf } from './rows.mjs';
import { median, rounded } from './statistics.mjs';

const BASELINE = 'write() per change';
const PEERS = [BASELINE, 'write() per tick', 'appendFile, coalesced', 'FileHandle.write, coalesced'];
const TOGETHER = [1, 50];
const COUNT = { quick: 4_000, full: 20_000 };
const LINE = `${JSON.stringify({ crc: '00000000', change: [1, 'put', 'p0', recordOf(1, 'running')] })}\n`;
const FIGURES = {
  'one line, per change': ({ perChangeMs }) => perChangeMs,
  'one line, the loop kept busy per change': ({ loopMs }) => loopMs,
  'one line, until the caller may go on': ({ waitedMs }) => waitedMs,
};

const nameOf = (together) => `${together} ${together === 1 ? 'caller' : 'callers'}`;

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
        const inMicroseconds = [({ loopMs }) => loopMs, ({ cpuMs }) => cpuMs, ({ waitedMs }) => waitedMs];
        lines.push([
          `${peer}, ${name}`,
          Math.round(1000 / of(({ perChangeMs }) => perChangeMs)),
          ...inMicroseconds.map((pick) => rounded(of(pick) * 1000)),
          rounded(of(({ waited99Ms }) => waited99Ms) * 1000),
        ]);
      }
    }
  } finally {
    await close();
  }
  const columns = ['a line appended', 'changes/s', 'loop busy, µs', 'processor, µs', 'waited, µs', 'waited p99, µs'];
  return { rows, facts: { title: 'A write() of each line, against lines that are coalesced', columns, lines } };
};
