import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { eventually } from '../tools/testing/eventually.js';
import { type Finished, type RealProcess, runToEnd, startProcess } from '../tools/testing/real-process.js';
import { type TemporaryDirectory, temporaryDirectory } from '../tools/testing/temporary-directory.js';

const TESTS = 'scripts/test.mjs';
const DEMO = 'examples/claude-code-session/demo.mjs';

interface Repository extends TemporaryDirectory {
  run(task: string): Promise<Finished>;
  start(task: string): Promise<RealProcess>;
}

const program = (body: string): string => `#!/bin/sh\n${body}\n`;

/** A repository in which installing and building are shell scripts, so that only the bootstrap itself is tested. */
const createRepository = async (files: Readonly<Record<string, string | undefined>>): Promise<Repository> => {
  const directory = await temporaryDirectory();
  const at = (path: string): string => join(directory.path, path);
  const all: Record<string, string | undefined> = {
    'package.json': JSON.stringify({ packageManager: 'pnpm@10.34.9' }),
    'node_modules/.bin/pnpm': program('echo installing "$@"'),
    'node_modules/.bin/turbo': program('echo building "$@"'),
    ...files,
  };
  for (const [path, content] of Object.entries(all)) {
    if (content === undefined) continue;
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), content);
    if (path.includes('/.bin/')) await chmod(at(path), 0o755);
  }
  await mkdir(at('scripts'), { recursive: true });
  await copyFile(fileURLToPath(new URL('../scripts/run.cjs', import.meta.url)), at('scripts/run.cjs'));
  // As if run by hand, though npm may run these tests.
  const { npm_lifecycle_event: _npm, ...env } = process.env;
  const args = (task: string): string[] => [at('scripts/run.cjs'), task];
  return {
    ...directory,
    run: (task) => runToEnd(process.execPath, args(task), { env }),
    start: (task) => startProcess(process.execPath, args(task), { env }),
  };
};

const isGone = (pid: number): boolean => {
  try {
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
};

describe('scripts/run.cjs', () => {
  test('installs and builds with one line each, then passes the exit code of the task on', async () => {
    await using repository = await createRepository({ [DEMO]: 'console.log("playing"); process.exitCode = 7;' });
    const { code, stdout, stderr } = await repository.run('demo');
    expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
    expect(stdout).toMatch(/^install \d+\.\d s\nbuild \d+\.\d s\nplaying\n$/);
  });

  test('build ends when it has built', async () => {
    await using repository = await createRepository({});
    const { code, stdout } = await repository.run('build');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^install .*\nbuild .*\n$/);
  });

  test('installs what the lock file says, and lets turbo neither phone home nor write there', async () => {
    const show = 'echo "$@" "$DO_NOT_TRACK" "$TURBO_TELEMETRY_DISABLED" "$TURBO_CONFIG_DIR_PATH" >&2; exit 1';
    await using repository = await createRepository({
      'node_modules/.bin/turbo': program(show),
      'node_modules/.bin/pnpm': program('case "$*" in *--frozen-lockfile*) ;; *) exit 1 ;; esac'),
    });
    const { stdout } = await repository.run('build');
    expect(stdout).toContain(` 1 1 ${repository.path}/.turbo/config\n`);
  });

  test('an installation that fails is shown whole, and ends it', async () => {
    await using repository = await createRepository({
      'node_modules/.bin/pnpm': program('echo first; echo second >&2; exit 3'),
      [TESTS]: 'console.log("testing");',
    });
    const { code, stdout, stderr } = await repository.run('test');
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'first\nsecond\n' });
    expect(stderr).toMatch(/^install failed after \d+\.\d s \(exit 3\)\n$/);
  });

  test('a build that fails is shown whole; it ends a demo, and is told to the tests', async () => {
    await using repository = await createRepository({
      'node_modules/.bin/turbo': program('echo broken; exit 1'),
      [DEMO]: 'console.log("playing");',
      [TESTS]: 'console.log("told", ...process.argv.slice(2)); process.exitCode = 1;',
    });
    const demo = await repository.run('demo');
    expect(demo.code).toBe(1);
    expect(demo.stdout).toMatch(/^install .*\nbroken\n$/);
    const tests = await repository.run('test');
    expect(tests.code).toBe(1);
    expect(tests.stdout).toMatch(/^install .*\nbroken\ntold --build-failed\n$/);
  });

  test('without pnpm in node_modules it runs the pinned one through npm', async () => {
    await using repository = await createRepository({
      'node_modules/.bin/pnpm': undefined,
      'node_modules/.bin/npm': program('echo npm "$@"; exit 1'),
    });
    const { stdout } = await repository.run('build');
    expect(stdout).toMatch(/^npm exec --yes --package pnpm@10\.34\.9 -- pnpm install --frozen-lockfile /);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s reaches the task, whose exit code counts; nothing is left',
    async (signal) => {
      const task = `
      process.on('${signal}', () => { console.log('got ${signal}'); clearInterval(alive); process.exitCode = 5; });
      const alive = setInterval(() => {}, 1000);
      console.log(process.pid);`;
      await using repository = await createRepository({ [DEMO]: task });
      await using running = await repository.start('demo');
      await running.line();
      await running.line();
      const pid = Number(await running.line());
      process.kill(running.pid, signal);
      expect(await running.line()).toBe(`got ${signal}`);
      expect(await running.exit).toEqual({ code: 5, signal: null });
      expect(isGone(pid)).toBe(true);
    },
  );

  test('under npm, whose SIGTERM goes to a shell in between, the death of that shell ends the task', async () => {
    const task = `
      process.on('SIGTERM', () => process.exit());
      setInterval(() => {}, 1000);
      console.log(process.pid);`;
    await using repository = await createRepository({ [DEMO]: task });
    const script = join(repository.path, 'scripts/run.cjs');
    await using shell = await startProcess('sh', ['-c', '"$0" "$1" demo; true', process.execPath, script], {
      env: { ...process.env, npm_lifecycle_event: 'demo' },
    });
    await shell.line();
    await shell.line();
    const pid = Number(await shell.line());
    shell.child.kill('SIGTERM');
    expect(await shell.exit).toEqual({ code: null, signal: 'SIGTERM' });
    await eventually('the end of the task', () => isGone(pid));
  });

  test('SIGTERM during the installation ends it, with what it started', async () => {
    await using directory = await temporaryDirectory();
    const pidFile = join(directory.path, 'pid');
    await using repository = await createRepository({
      'node_modules/.bin/pnpm': program(`sleep 60 & echo $! > ${pidFile}.tmp; mv ${pidFile}.tmp ${pidFile}; wait`),
    });
    await using running = await repository.start('build');
    const pid = await eventually('the installation', async () => {
      const text = await readFile(pidFile, 'utf8').catch(() => undefined);
      return text === undefined ? undefined : Number(text);
    });
    process.kill(running.pid, 'SIGTERM');
    expect(await running.exit).toEqual({ code: 143, signal: null });
    await eventually('the end of what it started', () => isGone(pid));
  });
});
