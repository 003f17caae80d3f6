/** `npm run bench -- [NAME…] [--full] [--json]`. The packages have been built by now. */
import { constants, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { endEverything, endProcesses } from './lib/mark.mjs';
import { installNativePeers } from './lib/native-peers.mjs';
import { createObserver } from './lib/observer.mjs';
import { namespaceNote, runInOwnNamespace } from './lib/own-namespace.mjs';
import { writeReport } from './lib/report.mjs';
import { readResults, writeResult } from './lib/results.mjs';
import { resultAsText } from './lib/shown.mjs';
import { goalLine } from './lib/table.mjs';
import * as b1 from './suite/b1.mjs';
import * as b2 from './suite/b2.mjs';
import * as b3 from './suite/b3.mjs';
import * as b4 from './suite/b4.mjs';
import * as b5 from './suite/b5.mjs';
import * as b6 from './suite/b6.mjs';
import * as b7 from './suite/b7.mjs';
import * as b9 from './suite/b9.mjs';
import * as b14 from './suite/b14.mjs';

const suite = new Map([b1, b2, b3, b4, b5, b6, b7, b9, b14].map((benchmark) => [benchmark.id, benchmark]));

const HELP = `Usage: npm run bench -- [NAME...] [--quick | --full] [--json] [--native-peers]

Measures our packages beside their peers, writes benchmarks/results/NAME.json and docs/performance.md.

${[...suite.values()].map(({ id, title }) => `  ${id.padEnd(5)}${title}`).join('\n')}

  --quick  few rounds and small sizes, all of them in two to three minutes (default)
  --full   every size, many rounds
  --json   the results on standard output, and nothing else there
  --native-peers
           first compiles the peers that have a native part, into node_modules/.cache/peers
  --help   this
`;

const usage = (line) => {
  process.stderr.write(`${line}\n`);
  process.exit(2);
};

const options = {
  quick: { type: 'boolean' },
  full: { type: 'boolean' },
  json: { type: 'boolean' },
  'native-peers': { type: 'boolean' },
  help: { type: 'boolean' },
};
const parsed = (() => {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return usage(`bench: ${error.message.split('\n')[0]}`);
  }
})();
const { values: flags, positionals } = parsed;
if (flags.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
if (flags.quick && flags.full) usage('bench: --quick and --full exclude each other');
const wanted = positionals.map((name) => name.toUpperCase());
const unknown = wanted.findIndex((name) => !suite.has(name));
if (unknown !== -1) {
  usage(`bench: unknown benchmark ${JSON.stringify(positionals[unknown])}: one of ${[...suite.keys()].join(', ')}`);
}
const chosen = wanted.length === 0 ? [...suite.values()] : [...new Set(wanted.map((name) => suite.get(name)))];
if (process.platform !== 'linux') usage(`bench: these benchmarks need Linux; this is ${process.platform}`);

const mode = flags.full ? 'full' : 'quick';
const say = (line) => (flags.json ? process.stderr : process.stdout).write(`${line}\n`);

const interrupted = new AbortController();
let received;
const interrupt = (signal) => {
  received ??= signal;
  interrupted.abort(Object.assign(new Error(`interrupted by ${signal}`), { signal }));
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupt(signal));
process.on('message', ({ signal }) => interrupt(signal));
// Whoever started it in a namespace has gone.
process.on('disconnect', () => interrupt('SIGTERM'));

const measure = async (benchmark, observer) => {
  const conditions = {
    when: new Date().toISOString(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: cpus().length,
    load: Number(loadavg()[0].toFixed(2)),
  };
  const measured = await benchmark.run({
    mode,
    budgetMs: benchmark.budgetMs?.[mode],
    observer,
    signal: interrupted.signal,
    say: (line) => say(`  ${line}`),
  });
  const { rows, facts, goals, notes, baseline } = measured;
  return {
    id: benchmark.id,
    title: benchmark.title,
    ...conditions,
    mode,
    baseline,
    plot: benchmark.plot,
    rows,
    ...(facts === undefined ? {} : { facts }),
    goals,
    notes: [...notes, observer.note, ...(namespaceNote === undefined ? [] : [namespaceNote])],
  };
};

const main = async () => {
  const observer = createObserver();
  const results = [];
  try {
    if (flags['native-peers']) await installNativePeers({ say, signal: interrupted.signal });
    for (const benchmark of chosen) {
      const startedAt = performance.now();
      say(`${benchmark.id}. ${benchmark.title}`);
      const result = await measure(benchmark, observer).catch((error) => {
        // One that cannot be run takes none of the others with it; its last result stays.
        if (received !== undefined) throw error;
        process.stderr.write(`bench: ${benchmark.id} failed: ${error.stack}\n`);
        process.exitCode = 1;
      });
      if (result === undefined) {
        await endProcesses();
        continue;
      }
      for (const text of resultAsText(result)) say(`\n${text}`);
      say('');
      for (const goal of result.goals) say(goalLine(goal));
      say(`${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
      writeResult(result);
      results.push(result);
    }
  } finally {
    await observer.close();
    await endEverything();
  }
  writeReport(readResults());
  if (flags.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
};

try {
  const code = await runInOwnNamespace(fileURLToPath(import.meta.url), process.argv.slice(2), {
    signal: interrupted.signal,
    takesPids: chosen.some(({ takesPids }) => takesPids === true),
  });
  if (code === undefined) await main();
  else process.exitCode = code;
} catch (error) {
  if (received === undefined) process.stderr.write(`bench: ${error.stack}\n`);
  else process.stderr.write(`bench: interrupted by ${received}; what was started has been ended\n`);
  process.exitCode = received === undefined ? 1 : 128 + constants.signals[received];
}
// A peer may keep something open.
process.exit();
