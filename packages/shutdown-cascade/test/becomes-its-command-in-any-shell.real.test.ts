import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { runToEnd } from '../../../tools/testing/real-process.js';
import { wrap } from '../src/spawn/wrapper.js';

/** What `/bin/sh` is on one Linux or another. */
const SHELLS = [['dash'], ['bash', '--posix'], ['bash'], ['busybox', 'sh']];

/** Runs a command through the shell that stands in for it: what it wrote, how it ended, and what the shell said of a failure. */
const through = async (
  [shell = '', ...options]: readonly string[],
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ output: string; code: number | null; said: string }> => {
  const wrapped = wrap(command, args, env, { cgroup: undefined, descriptor: 3 });
  const child = spawn(shell, [...options, ...wrapped.args], {
    env,
    argv0: options.length === 0 && shell === 'bash' ? 'sh' : shell,
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const status = child.stdio[3] as Duplex;
  let said = '';
  status.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  status.write('\n');
  const [code]: [number | null] = (await once(child, 'close')) as [number | null];
  return { output, code, said: said.trim() };
};

const exists = ([shell = '']: readonly string[]): Promise<boolean> =>
  runToEnd(shell, shell === 'busybox' ? ['sh', '-c', ':'] : ['-c', ':']).then(
    () => true,
    () => false,
  );

for (const shell of SHELLS) {
  const name = shell.join(' ');
  const found = await exists(shell);
  if (!found) console.warn(`skipped: a command behind ${name}: there is none`);

  describe.skipIf(!found)(`behind ${name}`, () => {
    test('a command has its environment and its arguments, and no descriptor of the shell', async () => {
      const env = { PATH: process.env.PATH ?? '', PWD: `/not/where it's at`, OLDPWD: '/nor here', QUOTES: `"'$\`\\` };
      const script = `const { readdirSync } = require('node:fs');
        process.stdout.write(JSON.stringify([process.env, process.argv.slice(1), readdirSync('/proc/self/fd').includes('3')]))`;
      const args = ['-e', script, '--', '', ' ', '-n', `"'$(id)`, '\n'];
      const { output, code, said } = await through(shell, process.execPath, args, env);
      const [seen, heard] = JSON.parse(output);
      // What some shells add for themselves cannot be kept out of them.
      const { _, SHLVL, ...rest } = seen;
      if (shell[0] !== 'bash') expect({ _, SHLVL }).toEqual({});
      expect(rest).toEqual(env);
      expect(heard).toEqual(args.slice(3));
      expect({ code, said }).toEqual({ code: 0, said: '' });
    });

    test('a command that cannot be executed is told apart from one that exits with the same code', async () => {
      const env = { PATH: process.env.PATH ?? '' };
      expect(await through(shell, '/no/such/command', [], env)).toMatchObject({ code: 127, said: '127' });
      expect(await through(shell, '/etc', [], env)).toMatchObject({ code: 126, said: '126' });
      for (const code of [126, 127]) {
        expect(await through(shell, 'sh', ['-c', `exit ${code}`], env)).toMatchObject({ code, said: '' });
      }
    });
  });
}
