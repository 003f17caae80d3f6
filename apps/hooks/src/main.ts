import { homedir } from 'node:os';
import { runHook } from './run-hook.js';
import { fromPipe, fromStream } from './stdin-source.js';

const exit = (): void => process.exit(0);

// Any other exit code shows an error to the user, and 2 erases the prompt (field failure 65).
process.on('uncaughtException', exit);
process.on('unhandledRejection', exit);

void runHook({
  argv: process.argv.slice(2),
  env: process.env,
  home: homedir,
  cwd: () => process.cwd(),
  parentPid: process.ppid,
  stdin: () => fromPipe(0) ?? fromStream(process.stdin),
  print: (text) => new Promise((resolve) => process.stdout.write(text, () => resolve())),
  search: {
    override: process.env.CM_WORKER_ENTRY,
    beside: __dirname,
    resolvePackage: (name) => require.resolve(name),
  },
  now: () => new Date(),
  // Not `performance`: its first use loads a module that costs more than everything else here.
  elapsedMs: () => process.uptime() * 1000,
  exit,
});
