import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** How long a step may take to end after a signal before its group is killed. */
const GRACE_MS = 10_000;

let current;
let interrupted;

const signalGroup = (signal) => {
  if (current === undefined) return;
  try {
    // Each step leads a group of its own, so that what it started hears the signal too.
    if (process.platform === 'win32') current.kill(signal);
    else process.kill(-current.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
};

/** The signal that asked this run to end, or undefined. */
export const interruption = () => interrupted;

/** From now on a signal ends the step that runs, and with it the run. */
export const listenForSignals = () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (interrupted === undefined) setTimeout(() => signalGroup('SIGKILL'), GRACE_MS).unref();
      interrupted ??= signal;
      signalGroup(signal);
    });
  }
};

/**
 * Runs a shell command to its end and returns `{ code, seconds, output }`. What it prints is shown at once when `live`,
 * otherwise kept for the caller.
 */
export const runStep = async (command, { cwd, env, live = false }) => {
  const startedAt = performance.now();
  const child = spawn(command, {
    cwd,
    env,
    shell: true,
    detached: process.platform !== 'win32',
    stdio: live ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
  });
  current = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      output += `${error.message}\n`;
      resolve(1);
    });
    child.once('close', (exitCode, signal) => resolve(exitCode ?? 128 + constants.signals[signal]));
  });
  current = undefined;
  return { code, seconds: (performance.now() - startedAt) / 1000, output };
};
