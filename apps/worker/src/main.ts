import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { hardenWindowsPath } from '@cm/shutdown-cascade';
import { runProgram } from './cli/program.js';
import type { Terminal } from './cli/terminal.js';

declare const __CM_VERSION__: string;

// Before anything is looked for by name, and inherited by whatever looks.
if (process.platform === 'win32') Object.assign(process.env, hardenWindowsPath(process.env));

const write = (stream: NodeJS.WriteStream, line: string): void => {
  stream.write(`${line}\n`);
};

const terminal: Terminal = {
  env: process.env,
  cwd: process.cwd(),
  home: homedir(),
  pid: process.pid,
  execPath: process.execPath,
  entry: realpathSync(process.argv[1] ?? __filename),
  version: __CM_VERSION__,
  print: (line) => write(process.stdout, line),
  complain: (line) => write(process.stderr, line),
  progress: (line) => {
    if (process.stderr.isTTY) write(process.stderr, line);
  },
  onSignals: (signals, run) => {
    for (const signal of signals) process.on(signal, run);
    return {
      [Symbol.dispose]: () => {
        for (const signal of signals) process.off(signal, run);
      },
    };
  },
};

// A reader that went away (`cm-worker events | head`) is not an error.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const fatal = (error: unknown): void => {
  terminal.complain(`cm-worker: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exit(1);
};
process.on('uncaughtException', fatal);
process.on('unhandledRejection', fatal);

void runProgram(process.argv.slice(2), terminal).then((code) => {
  process.exitCode = code;
  // The worker leaves on its own once everything is closed; a command must not wait for a stray handle.
  const flush = (): void => process.exit(code);
  if (process.stdout.writableLength === 0) flush();
  else process.stdout.once('drain', flush);
});
