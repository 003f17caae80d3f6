import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import { runProgram } from '../../src/cli/program.js';
import type { Terminal } from '../../src/cli/terminal.js';

interface Told {
  readonly code: number;
  readonly out: string[];
  readonly errors: string[];
  /** Whether anything was made where a data directory would be. */
  readonly touched: boolean;
}

/** One command line in a home of its own, in this process. Nothing here starts one. */
const told = async (...args: string[]): Promise<Told> => {
  await using directory = await temporaryDirectory();
  const [out, errors]: [string[], string[]] = [[], []];
  const terminal: Terminal = {
    env: {},
    cwd: directory.path,
    home: directory.path,
    pid: process.pid,
    execPath: '/nowhere/node',
    entry: '/nowhere/cm-worker.js',
    version: '1.2.3',
    print: (line) => void out.push(line),
    complain: (line) => void errors.push(line),
    progress: () => {},
    onSignals: () => ({ [Symbol.dispose]: () => {} }),
  };
  const code = await runProgram(args, terminal);
  return { code, out, errors, touched: existsSync(join(directory.path, '.cm')) };
};

const VERBS = ['run', 'start', 'stop', 'restart', 'status', 'doctor', 'ps', 'sessions', 'events'];

test.each(VERBS)('%s refuses ports that are none, with 2', async (verb) => {
  for (const port of ['abc', '0', '70000', '-1']) {
    expect(await told(verb, '--port', port)).toEqual({
      code: 2,
      out: [],
      errors: [`cm-worker: --port must be a whole number from 1 to 65535, not "${port}"`],
      touched: false,
    });
  }
});

test.each(['run', 'start', 'restart'])('%s takes only a containment that there is', async (verb) => {
  const { code, errors, touched } = await told(verb, '--containment', 'jail');
  expect({ code, touched }).toEqual({ code: 2, touched: false });
  expect(errors).toEqual([expect.stringMatching(/^cm-worker: .*jail.*auto, cgroup, group.*see cm-worker --help$/)]);
});

test.each([
  [[], 'say what to do'],
  [['strat'], 'Did you mean start?'],
  [['--frobnicate'], 'unknown option'],
  [['stop', '--containment', 'group'], 'unknown option'],
  [['status', 'extra'], 'too many arguments'],
  [['end'], 'missing required argument'],
  [['exec', '--session', 's'], 'missing required argument'],
  [['exec', 'true'], '--session'],
  [['exec', '--session', 's', '-d', '--restart', 'always', '--', 'true'], 'temporary, transient, permanent'],
] as const)('%j is a matter of usage: 2, one line', async (args, words) => {
  const { code, out, errors, touched } = await told(...args);
  expect({ code, out, touched }).toEqual({ code: 2, out: [], touched: false });
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain(words);
  expect(errors[0]).not.toContain('\n');
});

test('what a later version brings is said to be that, whatever follows it', async () => {
  for (const verb of ['logs', 'install-hooks', 'uninstall-hooks', 'token', 'forget', 'purge', 'list', 'dashboard']) {
    expect(await told(verb, '-f', '--json', 'x')).toEqual({
      code: 1,
      out: [],
      errors: [`cm-worker: "${verb}" is not in this version`],
      touched: false,
    });
  }
});

test('what follows -- is the command’s own, also when it looks like ours', async () => {
  // Without a worker it ends with 3: it was understood.
  for (const args of [
    ['exec', '--session', 's', '--', 'cmd', '--json', '--port', 'abc'],
    ['exec', '--session', 's', 'cmd', '--help', '-d'],
  ]) {
    expect(await told(...args)).toMatchObject({ code: 3, out: [], touched: false });
  }
});

test('--help and --version are answered, with 0 and nothing on standard error', async () => {
  expect(await told('--version')).toEqual({ code: 0, out: ['1.2.3'], errors: [], touched: false });
  const help = await told('--help');
  expect(help).toMatchObject({ code: 0, errors: [], touched: false });
  expect(help.out.join('\n')).toContain('cm-worker exec --session s1 --create -- npx my-mcp-server');
  // What hides is for the daemon alone.
  expect((await told('run', '--help')).out.join('\n')).not.toContain('--daemon');
});

test('a complaint is one line without control characters', async () => {
  const { errors } = await told('start', '--data-dir', '/proc/no\u001b[2J\nwhere');
  expect(errors).toHaveLength(1);
  expect(errors[0]).not.toMatch(/\p{Cc}/u);
  expect(errors[0]).toContain('no·[2J where');
});
