// biome-ignore-all lint: this file must parse on any Node, so that an old one gets a sentence and not a SyntaxError: ES5 only.
// biome-ignore-all format: the formatter would add trailing commas that ES5 does not know.
// biome-ignore-all assist: the order of the requires says nothing.
'use strict';

/*
 * What stands behind every root script: `node scripts/run.cjs TASK`. Checks Node, installs, builds, and hands over.
 * Needs no pnpm, no corepack and no configuration of its own; writes nothing outside the clone but what package managers cache.
 */

var childProcess = require('child_process');
var fs = require('fs');
var os = require('os');
var path = require('path');

var ROOT = path.resolve(__dirname, '..');
var MINIMUM = { major: 20, minor: 19 };
/* How long a child may take to end after a signal before it is killed. The worker's own shutdown takes 6 s at most. */
var GRACE_MS = 30000;
var FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

var NOT_YET = {
  chaos: 'chaos: not in this version',
  soak: 'soak: not in this version'
};

/* What a task does once the repository is installed and built. `build` is done by then. */
var HANDED_TO = {
  bench: ['benchmarks/bench.mjs'],
  build: null,
  check: ['scripts/test.mjs', '--checks-only'],
  demo: ['examples/claude-code-session/demo.mjs'],
  test: ['scripts/test.mjs'],
  'test:long': ['scripts/test.mjs', '--long']
};

function isTooOld(version) {
  var parts = /^v(\d+)\.(\d+)\./.exec(version);
  if (parts === null) return true;
  var major = Number(parts[1]);
  return major < MINIMUM.major || (major === MINIMUM.major && Number(parts[2]) < MINIMUM.minor);
}

function fail(line, code) {
  console.error(line);
  process.exit(code);
}

function environment() {
  var env = {};
  Object.keys(process.env).forEach(function (key) { env[key] = process.env[key]; });
  /* Windows spells it Path; two spellings at once would leave the choice to chance. */
  var key = Object.keys(env).filter(function (name) { return name.toUpperCase() === 'PATH'; })[0] || 'PATH';
  env[key] = [path.join(ROOT, 'node_modules', '.bin'), path.dirname(process.execPath), env[key] || ''].join(path.delimiter);
  env.DO_NOT_TRACK = '1';
  env.TURBO_TELEMETRY_DISABLED = '1';
  env.TURBO_NO_UPDATE_NOTIFIER = '1';
  env.TURBO_CONFIG_DIR_PATH = path.join(ROOT, '.turbo', 'config');
  env.npm_config_update_notifier = 'false';
  return env;
}

/* The one child that runs now; a signal that reaches this script goes to it. */
var current = null;
var received = null;

function signalCurrent(signal) {
  if (current === null) return;
  try {
    if (current.ownGroup) process.kill(-current.child.pid, signal);
    else current.child.kill(signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function onSignal(signal) {
  if (current === null) process.exit(128 + os.constants.signals[signal]);
  if (received === null) {
    received = signal;
    setTimeout(function () { signalCurrent('SIGKILL'); }, GRACE_MS).unref();
  }
  /* A terminal has sent Ctrl-C to the child already; a second SIGINT would be an order to hurry. */
  var fromTerminal = signal === 'SIGINT' && process.stdin.isTTY && !current.ownGroup;
  if (fromTerminal) setTimeout(function () { signalCurrent(signal); }, 3000).unref();
  else signalCurrent(signal);
}

/*
 * npm runs a script through a shell and passes SIGTERM on to that shell, which dies of it and tells nobody. So under npm the
 * death of the parent is the signal. Run by hand, this script may outlive the shell that started it.
 */
function watchParent() {
  if (process.env.npm_lifecycle_event === undefined) return;
  var parent = process.ppid;
  var timer = setInterval(function () {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onSignal('SIGTERM');
  }, 100);
  timer.unref();
}

/* Runs a child and calls back with its exit code. A quiet child is heard only when it fails, and is alone in its group. */
function run(command, args, options, done) {
  var quiet = options.quiet === true;
  var ownGroup = quiet && process.platform !== 'win32';
  var child = childProcess.spawn(command, args, {
    cwd: ROOT,
    env: environment(),
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    detached: ownGroup,
    shell: options.shell === true
  });
  var output = [];
  current = { child: child, ownGroup: ownGroup };
  if (quiet) {
    child.stdout.on('data', function (chunk) { output.push(chunk); });
    child.stderr.on('data', function (chunk) { output.push(chunk); });
  }
  child.on('error', function (error) {
    current = null;
    fail(command + ' cannot be started: ' + error.message, 1);
  });
  child.on('close', function (code, signal) {
    current = null;
    if (received !== null) process.exit(quiet || code === null ? 128 + os.constants.signals[received] : code);
    done(code === null ? 128 + os.constants.signals[signal] : code, Buffer.concat(output));
  });
}

/* Runs a step of the preparation: one line when it succeeds, everything it said when it fails. */
function prepare(name, command, args, options, done) {
  var startedAt = Date.now();
  run(command, args, { quiet: true, shell: options.shell }, function (code, output) {
    var seconds = ((Date.now() - startedAt) / 1000).toFixed(1) + ' s';
    if (code === 0) {
      /* What a program reads is the task's alone. */
      (process.argv.indexOf('--json') === -1 ? console.log : console.error)(name + ' ' + seconds);
      done(true);
      return;
    }
    process.stdout.write(output);
    console.error(name + ' failed after ' + seconds + ' (exit ' + code + ')');
    done(false);
  });
}

function install(done) {
  var args = ['install', '--frozen-lockfile', '--config.confirmModulesPurge=false'];
  var windows = process.platform === 'win32';
  var local = path.join(ROOT, 'node_modules', '.bin', windows ? 'pnpm.cmd' : 'pnpm');
  var then = function (ok) {
    if (!ok) process.exit(1);
    done();
  };
  if (fs.existsSync(local)) {
    prepare('install', local, args, { shell: windows }, then);
    return;
  }
  var manager = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')).packageManager.split('+')[0];
  prepare('install', 'npm', ['exec', '--yes', '--package', manager, '--', 'pnpm'].concat(args), { shell: windows }, then);
}

function build(done) {
  var windows = process.platform === 'win32';
  var turbo = path.join(ROOT, 'node_modules', '.bin', windows ? 'turbo.cmd' : 'turbo');
  prepare('build', turbo, ['run', 'build', '--continue', '--output-logs=errors-only', '--no-color'], { shell: windows }, done);
}

function main(task) {
  var wanted = MINIMUM.major + '.' + MINIMUM.minor;
  if (isTooOld(process.version)) fail('This repository needs Node ' + wanted + ' or newer; this is ' + process.version + '.', 1);
  if (Object.prototype.hasOwnProperty.call(NOT_YET, task)) fail(NOT_YET[task], 1);
  if (!Object.prototype.hasOwnProperty.call(HANDED_TO, task)) {
    var known = Object.keys(HANDED_TO).concat(Object.keys(NOT_YET)).sort().join(', ');
    fail('unknown task ' + JSON.stringify(task === undefined ? '' : task) + ': one of ' + known, 2);
  }
  watchParent();
  FORWARDED.forEach(function (signal) { process.on(signal, function () { onSignal(signal); }); });
  install(function () {
    build(function (built) {
      var script = HANDED_TO[task];
      /* A broken build is one failure of the tests, which are told, and the end of everything else. */
      if (script === null || (!built && task !== 'test')) process.exit(built ? 0 : 1);
      var told = built ? [] : ['--build-failed'];
      run(process.execPath, script.concat(told, process.argv.slice(3)), {}, function (code) { process.exit(code); });
    });
  });
}

main(process.argv[2]);
