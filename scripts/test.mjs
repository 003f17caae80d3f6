/**
 * Every check, then every test, one package after another; ends with `N passed, N failed`. `scripts/run.cjs` has installed
 * and built by now. `--checks-only` leaves the tests out; `--build-failed` counts the build as a failure.
 *
 * `--long` runs, instead of the checks, what takes too long for every day: the zoo twenty times over, a writer of the registry killed a
 * thousand times, its model for ten thousand steps, and the tests on every Node that the packages promise to run on. `--node 22,26` takes
 * only those, `--only packages/process-table,apps/worker` only these.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { countResults } from './count-results.mjs';
import { MARK, reapLeftBehind } from './left-behind.mjs';
import { MAJORS, nodeDirectory } from './nodes.mjs';
import { interruption, listenForSignals, runStep } from './run-step.mjs';

const ROOT = resolve(fileURLToPath(new URL('..', import.meta.url)));
const RESULTS = join('.vitest', 'results.json');
/** The root's own `test` is this script, so its tests are run as those of a package are. */
const OWN_TESTS = 'vitest run --reporter=default --reporter=json --outputFile.json=.vitest/results.json';
/** Biome makes a directory in the cache of the user, and leaves it empty. */
const CHECK_ENVIRONMENT = { XDG_CACHE_HOME: join(ROOT, 'node_modules', '.cache') };
/** How long a process of a step that has ended may take to end too. */
const GRACE_MS = 3000;

const { values: flags } = parseArgs({
  options: {
    'checks-only': { type: 'boolean' },
    'build-failed': { type: 'boolean' },
    long: { type: 'boolean' },
    node: { type: 'string' },
    only: { type: 'string' },
  },
});

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
/** Not every tool asks whether it writes to a terminal. */
const { FORCE_COLOR: _forced, ...uncoloured } = { ...process.env, NO_COLOR: '1' };
const plain = colour ? process.env : uncoloured;
const say = (text = '') => process.stdout.write(`${text}\n`);
const timed = (name, good, seconds) =>
  say(`${name.padEnd(32)} ${good ? paint(32, 'ok    ') : paint(31, 'FAILED')} ${seconds.toFixed(1)} s`);

const manifest = (directory) => JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
const binaries = join(ROOT, 'node_modules', '.bin');

const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const add = (where, { passed, failed, skipped, failures: lines }) => {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  for (const line of lines) failures.push({ where, line });
};
const addOne = (where, good, line) =>
  add(where, { passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: 0, failures: good ? [] : [line] });

const stopIfInterrupted = () => {
  const signal = interruption();
  if (signal !== undefined) process.exit(128 + constants.signals[signal]);
};

/** Runs one step and counts what it left running as a failure of its own. */
const step = async (name, command, cwd, { live = false, more = {}, node }) => {
  const mark = randomUUID();
  // The binaries of the package first, as a package manager has it.
  const own = [join(cwd, 'node_modules', '.bin'), binaries, process.env.PATH];
  const PATH = (node === undefined ? own : [node, ...own]).join(delimiter);
  const result = await runStep(command, { cwd, live, env: { ...plain, ...more, PATH, [MARK]: mark } });
  const left = await reapLeftBehind(mark, interruption() === undefined ? GRACE_MS : 0);
  stopIfInterrupted();
  for (const { pid, command: what } of left) addOne(name, false, `left process ${pid} behind: ${what}`);
  return result;
};

const runChecks = async () => {
  const { scripts } = manifest(ROOT);
  for (const [script, command] of Object.entries(scripts)) {
    if (!script.startsWith('check:')) continue;
    const name = script.slice('check:'.length);
    const { code, seconds, output } = await step(name, command, ROOT, { more: CHECK_ENVIRONMENT });
    timed(name, code === 0, seconds);
    if (code !== 0) say(output.trimEnd());
    addOne(name, code === 0, `exit ${code}: npm run ${script}`);
  }
};

/** Every place that has tests, with the command that runs them there. */
const places = () => {
  const found = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(ROOT, group))
      .sort()
      .map((name) => `${group}/${name}`)
      .filter((path) => existsSync(join(ROOT, path, 'package.json')))
      .map((path) => ({ path, command: manifest(join(ROOT, path)).scripts?.test })),
  );
  return [...found, { path: '.', command: OWN_TESTS }];
};

const runTests = async (on = {}) => {
  const wanted = flags.only?.split(',');
  const selected = places().filter(
    ({ path, command }) => command !== undefined && (wanted === undefined || wanted.includes(path)),
  );
  for (const { path } of selected) rmSync(join(ROOT, path, RESULTS), { force: true });
  for (const [index, { path, command }] of selected.entries()) {
    const name = `${path === '.' ? 'repository' : path}${on.title ?? ''}`;
    say(`\n${paint(1, `── ${name} (${index + 1} of ${selected.length})`)}`);
    const cwd = join(ROOT, path);
    const { code, seconds } = await step(name, command, cwd, { live: true, ...on });
    const counted = countResults(join(cwd, RESULTS), code, cwd);
    add(name, counted);
    timed(name, counted.failed === 0, seconds);
  }
};

/** What takes too long for every day: a place, the tests of it that are meant, and how much of them. */
const LONG = [
  {
    path: 'packages/shutdown-cascade',
    name: 'the zoo, 20 times',
    tests: 'test/the-zoo',
    more: { CM_ZOO_ROUNDS: '20' },
  },
  {
    path: 'packages/process-registry',
    name: 'writers killed at 1,000 points',
    tests: 'test/a-writer-killed-anywhere',
    more: { CM_CRASH_POINTS: '1000' },
  },
  {
    path: 'packages/process-registry',
    name: 'the registry and its model, 10,000 steps',
    tests: 'test/behaves-as-its-model',
    more: { CM_MODEL_STEPS: '10000' },
  },
];

const runLong = async () => {
  const majors = flags.node?.split(',').map(Number) ?? MAJORS;
  const unknown = majors.filter((major) => !MAJORS.includes(major));
  if (unknown.length > 0) {
    process.stderr.write(`--node takes ${MAJORS.join(', ')}: not ${unknown.join(', ')}\n`);
    process.exit(2);
  }
  for (const { path, name, tests, more } of LONG) {
    if (flags.only !== undefined && !flags.only.split(',').includes(path)) continue;
    say(`\n${paint(1, `── ${name}`)}`);
    const cwd = join(ROOT, path);
    rmSync(join(cwd, RESULTS), { force: true });
    const { code, seconds } = await step(name, `${OWN_TESTS} ${tests}`, cwd, { live: true, more });
    const counted = countResults(join(cwd, RESULTS), code, cwd);
    add(name, counted);
    timed(name, counted.failed === 0, seconds);
  }
  for (const major of majors) {
    say(`\n${paint(1, `── Node ${major}: installing it where it is missing`)}`);
    const node = nodeDirectory(join(ROOT, 'node_modules', '.cache', 'nodes'), major);
    await runTests({ node, title: ` on Node ${major}` });
  }
};

const report = () => {
  if (failures.length > 0) {
    say(`\n${paint(31, 'Failures')}`);
    const width = Math.max(...failures.map(({ where }) => where.length));
    for (const { where, line } of failures) say(`  ${where.padEnd(width)}  ${line}`);
  }
  const { passed, failed, skipped } = total;
  say(`\n${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
};

listenForSignals();
if (flags['build-failed'] === true) addOne('build', false, 'npm run build');
if (flags.long === true) await runLong();
else {
  await runChecks();
  if (flags['checks-only'] !== true) await runTests();
}
report();
process.exitCode = total.failed === 0 ? 0 : 1;
