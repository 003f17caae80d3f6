import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/contract/index.js';
import { eventually, onlyLine, type Place, workerPlace } from '../support.js';

let place: Place;

beforeAll(async () => {
  place = await workerPlace();
  await place.start();
});
afterAll(() => place[Symbol.asyncDispose]());

const attached = (session: string, ...rest: string[]): string[] => ['exec', '--session', session, '--create', ...rest];
const script = (name: string, text: string): string => {
  const path = join(place.path, name);
  writeFileSync(path, text);
  return path;
};
const rowsOf = async (session: string) => (await place.processes()).filter(({ sessionId }) => sessionId === session);

/** Answers each line it reads, and ends at the end of its input. */
const ECHO = 'while read -r line; do echo "got $line"; done; echo "end of input"';

describe('the terminal stays the command’s own', () => {
  test('bytes go both ways, and the end of input arrives (field failure 49)', async () => {
    await using exec = await place.running(attached('echo', '--', 'sh', '-c', ECHO));
    exec.child.stdin?.write('one\n');
    expect(await exec.line()).toBe('got one');
    const [row] = await rowsOf('echo');
    expect(row).toMatchObject({
      status: 'running',
      adopted: true,
      type: 'exec',
      name: expect.stringMatching(/^sh-\d+$/),
    });
    exec.child.stdin?.end('two\n');
    expect([await exec.line(), await exec.line()]).toEqual(['got two', 'end of input']);
    expect(await exec.exit).toEqual({ code: 0, signal: null });
    expect(exec.output().stderr).toBe('');
  });

  test('its exit code is passed on, 128 and the number for a signal', async () => {
    const codes = await Promise.all([
      place.cm(attached('codes', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7')),
      place.cm(attached('codes', '--', 'sh', '-c', 'kill -TERM $$')),
      place.cm(attached('codes', '--', 'sh', '-c', 'kill -KILL $$')),
      place.cm(attached('codes', '--name', 'named', '--type', 'mcp', '--', 'true')),
    ]);
    expect(codes.map(({ code }) => code)).toEqual([7, 143, 137, 0]);
    expect(codes[0]).toMatchObject({ stdout: 'out\n', stderr: 'err\n' });
  });

  test.each([
    ['SIGTERM', 'TERM'],
    ['SIGINT', 'INT'],
    ['SIGHUP', 'HUP'],
  ] as const)('%s is forwarded, and the command’s own answer counts', async (signal, name) => {
    const text = `trap 'echo told; exit 9' ${name}; echo ready; while :; do sleep 0.1; done`;
    await using exec = await place.running(attached(`signal-${name}`, '--', 'sh', '-c', text));
    expect(await exec.line()).toBe('ready');
    exec.child.kill(signal);
    expect(await exec.line()).toBe('told');
    expect(await exec.exit).toEqual({ code: 9, signal: null });
  });

  test('it runs where it was called, with its arguments as they are, and with --env', async () => {
    const file = script(
      'print.cjs',
      'console.log(JSON.stringify([process.cwd(), process.argv.slice(2), process.env]))',
    );
    const odd = ['a b', '', '$HOME', '--json', "it's"];
    const args = attached('args', '--env', 'ONE=1=1', '--env', 'TWO=', '--', process.execPath, file, ...odd);
    const env = { CLAUDECODE: '1', ANTHROPIC_API_KEY: 'key', KEPT: 'yes' };
    const { code, stdout } = await place.cm(args, { env });
    expect(code).toBe(0);
    const [cwd, argv, seen] = JSON.parse(stdout);
    expect({ cwd, argv }).toEqual({ cwd: place.path, argv: odd });
    expect(seen).toMatchObject({ ONE: '1=1', TWO: '', KEPT: 'yes', ANTHROPIC_API_KEY: 'key', HOME: place.home });
    expect(seen.CM_SCOPE).toMatch(new RegExp(`^[0-9a-f]{32}@${place.dataDir}$`));
    expect('CLAUDECODE' in seen).toBe(false);
  });
});

describe('nothing runs unrecorded', () => {
  test('a command that is not there ends with 1, one line and no row (field failure 54, fault 31)', async () => {
    const plain = script('not-executable', 'echo no');
    const [missing, forbidden] = await Promise.all([
      place.cm(attached('nothing', '--', 'no-such-command-here')),
      place.cm(attached('nothing', '--', plain)),
    ]);
    expect([missing.code, forbidden.code]).toEqual([1, 1]);
    expect(onlyLine(missing.stderr)).toBe('cm-worker: cannot start no-such-command-here: not found (ENOENT)');
    expect(onlyLine(forbidden.stderr)).toContain('not executable (EACCES)');
    expect(await rowsOf('nothing')).toEqual([]);
  });

  test('an unknown session is not created unless that was asked for; the command does not run', async () => {
    const witness = join(place.path, 'ran');
    const { code, stdout, stderr } = await place.cm(['exec', '--session', 'unknown', '--', 'touch', witness]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(onlyLine(stderr)).toContain('exec --create');
    expect(existsSync(witness)).toBe(false);
    expect((await place.ask({ route: ROUTES.getSession, parameters: { id: 'unknown' } })).code).toBe(404);
  });

  test('a name with control characters is shown without them, on one line', async () => {
    const { code, stderr } = await place.cm(['exec', '--session', 'a\u001b[2Jb\nc', '--', 'true']);
    expect(code).toBe(1);
    expect(onlyLine(stderr)).toContain('"a·[2Jb c"');
  });

  test('a second one of the same name does not run, and the first one is left alone (field failure 40)', async () => {
    const witness = join(place.path, 'twice');
    await using first = await place.running(
      attached('twins', '--name', 'one', '--', 'sh', '-c', 'echo up; exec sleep 60'),
    );
    expect(await first.line()).toBe('up');
    const second = await place.cm(attached('twins', '--name', 'one', '--', 'touch', witness));
    expect(second.code).toBe(1);
    expect(onlyLine(second.stderr)).toContain('already runs a process named "one"');
    expect(existsSync(witness)).toBe(false);
    expect(await rowsOf('twins')).toHaveLength(1);
    await place.json(['end', 'twins']);
    expect(await first.exit).toEqual({ code: 143, signal: null });
  });

  test('it ends with its session, and what it left behind too (S7, field failure 41)', async () => {
    const pids = join(place.path, 'pids');
    const text = `sleep 60 & echo $! > ${pids}; (setsid sleep 60 & echo $! >> ${pids}); trap '' TERM; echo up; wait; sleep 60`;
    await using exec = await place.running(attached('ends', '--', 'sh', '-c', text));
    expect(await exec.line()).toBe('up');
    const background = readFileSync(pids, 'utf8').trim().split('\n').map(Number);
    const { code, body } = await place.json(['end', 'ends']);
    expect(code).toBe(0);
    expect(body).toMatchObject({ ok: true, survivors: [], escaped: [], targets: [{ outcome: 'killed' }] });
    expect(background).toHaveLength(2);
    expect(await Promise.all(background.map(place.isAlive))).toEqual([false, false]);
    expect(await exec.exit).toEqual({ code: 137, signal: null });
    expect(await rowsOf('ends')).toEqual([]);
    // Again: the same report, and no session to run anything in.
    expect(await place.json(['end', 'ends'])).toEqual({ code: 0, body });
    const late = await place.cm(['exec', '--session', 'ends', '--', 'true']);
    expect(late.code).toBe(1);
    expect(onlyLine(late.stderr)).toContain('exec --create');
  });

  test('the SIGKILL of exec itself leaves the command running, adopted; the session’s end takes it', async () => {
    await using exec = await place.running(attached('orphan', '--', 'sh', '-c', 'echo $$; exec sleep 60'));
    const pid = Number(await exec.line());
    exec.child.kill('SIGKILL');
    await exec.exit;
    expect(await rowsOf('orphan')).toMatchObject([{ pid, status: 'running', adopted: true }]);
    expect(await place.isAlive(pid)).toBe(true);
    expect(await place.json(['end', 'orphan'])).toMatchObject({ code: 0, body: { ok: true, targets: [{ pid }] } });
    expect(await place.isAlive(pid)).toBe(false);
  });

  test('a row of a command that ended by itself is gone', async () => {
    expect((await place.cm(attached('short', '--', 'true'))).code).toBe(0);
    await eventually('the row is gone', async () => (await rowsOf('short')).length === 0);
  });
});

test('while the worker is stopping, a command is refused and never runs (R12, field failure 47, fault 29)', async () => {
  await using own = await workerPlace();
  await own.start();
  await own.spawn('s', 'stubborn', ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 1; done'], { graceMs: 60_000 });
  expect((await own.ask({ route: ROUTES.shutdown, body: {} })).code).toBe(202);
  const health = async () => (await own.ask({ route: ROUTES.readiness })).ok;
  await eventually('it is stopping', async () => !(await health()));
  const witness = join(own.path, 'ran');
  const [known, created, detached] = await Promise.all([
    own.cm(['exec', '--session', 's', '--', 'touch', witness]),
    own.cm(['exec', '--session', 'new', '--create', '--', 'touch', witness]),
    own.cm(['exec', '--session', 's', '-d', '--', 'touch', witness]),
  ]);
  for (const { code, stderr } of [known, created, detached]) {
    expect(code).toBe(1);
    expect(onlyLine(stderr)).toContain('the worker is stopping');
  }
  expect(await own.cm(['stop', '--force'])).toMatchObject({ code: 0 });
  expect(existsSync(witness)).toBe(false);
});
