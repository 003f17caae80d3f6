import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createProcessTable, type ProcessRow, ProcessTableError } from '@cm/process-table';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { startProcess } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import {
  type ContainedProcess,
  type ContainedSpawn,
  isShutdownCascadeError,
  spawnContained,
  withoutGate,
} from '../src/index.js';
import { built, fixture } from './fixtures/built.js';
import { holdersOf, sweep } from './fixtures/holders.js';

const table = createProcessTable();

let cookie: string;
beforeEach(() => {
  cookie = randomBytes(16).toString('hex');
});
afterEach(() => {
  sweep(cookie);
  expect(holdersOf(cookie)).toEqual([]);
});

const start = (
  command: string,
  args: readonly string[],
  rest: Partial<ContainedSpawn> = {},
): Promise<ContainedProcess> =>
  spawnContained({ command, args, env: { PATH: process.env.PATH ?? '' }, cookie, table, ...rest });

const rowOf = async ({ identity }: ContainedProcess): Promise<ProcessRow> => {
  const found = await table.lookup(identity);
  if (found.status !== 'alive') throw new Error(`it is ${found.status}`);
  return found.process;
};

const lineOf = async ({ child }: ContainedProcess, from: 'stdout' | 'stderr' = 'stdout'): Promise<string> => {
  const stream = child[from];
  if (stream === null) throw new Error(`no ${from}`);
  const [line]: string[] = await once(createInterface({ input: stream }), 'line', {
    signal: AbortSignal.timeout(20_000),
  });
  return line ?? '';
};

/** The descriptors of this process beyond its streams that outlive an exec. */
const passedOn = async (): Promise<[number, string][]> => {
  const own = await table.identify(process.pid);
  const open = own.status === 'alive' ? await table.openDescriptors(own.process.identity) : undefined;
  const found: [number, string][] = [];
  for (const [number, points] of open ?? []) {
    const info = await readFile(`/proc/self/fdinfo/${number}`, 'utf8').catch(() => '');
    const flags = Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? '2000000', 8);
    const closesOnExec = (flags & 0o2000000) !== 0;
    if (number > 2 && !closesOnExec) found.push([number, points]);
  }
  return found;
};

const status = async (pid: number): Promise<string> => readFile(`/proc/${pid}/status`, 'utf8');

describe('a contained process', () => {
  test('leads a group and a session of its own, and carries the cookie, also in what it starts', async () => {
    const started = await start('sh', ['-c', 'sleep 600 & echo up; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
    await lineOf(started);
    const { pid } = started.identity;
    expect(started.pgid).toBe(pid);
    expect(await rowOf(started)).toMatchObject({ pgid: pid, sid: pid, ppid: process.pid });
    await eventually('the child of the child', () => holdersOf(cookie).length === 2);
    expect(holdersOf(cookie)).toContain(pid);
  });

  test('has the environment it was given, and the cookie, and nothing else', async () => {
    const started = await start('sleep', ['600'], {
      env: { ONLY: 'this', CM_SCOPE: 'inherited', PATH: '/bin:/usr/bin' },
    });
    const environ = (await readFile(`/proc/${started.identity.pid}/environ`, 'utf8')).split('\0').filter(Boolean);
    expect(environ.sort()).toEqual([`CM_SCOPE=${cookie}`, 'ONLY=this', 'PATH=/bin:/usr/bin']);
  });

  test('says how it ended', async () => {
    expect(await (await start('sh', ['-c', 'exit 3'])).exited).toEqual({ code: 3, signal: null });
    expect(await (await start('sh', ['-c', 'kill -INT $$'])).exited).toEqual({ code: null, signal: 'SIGINT' });
  });

  test('has an identity even if it ends at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { child, identity, exited } = await start('true', []);
      expect(identity.pid).toBe(child.pid);
      expect(identity.startToken).toMatch(/^\d+$/);
      await exited;
      expect(await table.lookup(identity)).toMatchObject({ status: 'dead' });
    }
  });

  test.each([false, true])('fault 36: inherits no descriptor beyond its streams; gated: %s', async (gated) => {
    // What this process was itself started with and may not close, such as a pipe of the shell that runs the tests.
    const before = await passedOn();
    await using directory = await temporaryDirectory();
    await using _file = await open(join(directory.path, 'open'), 'w');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const started = await start('sleep', ['600'], { gated });
      started.open();
      const { identity } = started;
      await eventually('sleep', async () => (await table.commandLine(identity))[0] === 'sleep');
      // While the loader is at work a library is open.
      const descriptors = await eventually('the loader to be done', async () => {
        const open = await table.openDescriptors(identity);
        return [...(open?.values() ?? [])].some((target) => target.startsWith('/usr/')) ? undefined : open;
      });
      const streams = [0, 1, 2].map((number): [number, string] => [number, '/dev/null']);
      expect(descriptors).toEqual(new Map([...streams, ...before]));
    } finally {
      server.close();
    }
  });

  test.each([false, true])('fault 36: starts with default dispositions and an empty mask; gated: %s', async (gated) => {
    const handler = (): void => {};
    process.on('SIGUSR2', handler);
    try {
      const started = await start('sleep', ['600'], { gated });
      started.open();
      await eventually('sleep', async () => (await table.commandLine(started.identity))[0] === 'sleep');
      const text = await status(started.identity.pid);
      for (const field of ['SigCgt', 'SigIgn', 'SigBlk', 'SigPnd', 'ShdPnd']) {
        expect(text).toMatch(new RegExp(`^${field}:\\s*0{16}$`, 'm'));
      }
    } finally {
      process.off('SIGUSR2', handler);
    }
  });
});

describe('a spawn that fails (fault 31)', () => {
  const failureOf = async (promise: Promise<unknown>): Promise<unknown> => {
    const error = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(isShutdownCascadeError(error)).toBe(true);
    return error;
  };

  test('no such command', async () => {
    expect(await failureOf(start('/no/such/command', []))).toMatchObject({ code: 'spawn-failed', errno: 'ENOENT' });
    expect(await failureOf(start('no-such-command', []))).toMatchObject({ code: 'spawn-failed', errno: 'ENOENT' });
  });

  test('a file that may not be executed', async () => {
    await using directory = await temporaryDirectory();
    const file = join(directory.path, 'data');
    await writeFile(file, '#!/bin/sh\n');
    await chmod(file, 0o600);
    expect(await failureOf(start(file, []))).toMatchObject({ code: 'spawn-failed', errno: 'EACCES' });
  });

  test.each([false, true])('no such working directory; gated: %s', async (gated) => {
    const error = await failureOf(start('sleep', ['600'], { cwd: '/no/such/directory', gated }));
    expect(error).toMatchObject({ code: 'spawn-failed', errno: 'ENOENT' });
  });

  test('a NUL in an argument, in the command, in the environment', async () => {
    for (const promise of [
      start('sleep', ['6\0'.concat('00')]),
      start('sle\0ep', ['600']),
      start('sleep', ['600'], { env: { NAME: 'a\0b' } }),
    ]) {
      const error = await failureOf(promise);
      expect(error).toMatchObject({ code: 'spawn-failed', errno: 'ERR_INVALID_ARG_VALUE' });
      expect(error).toHaveProperty('cause');
    }
  });

  test('R13: what cannot be identified does not stay', async () => {
    const blind = {
      identify: async () => ({ status: 'unknown' as const, reason: 'EMFILE' }),
      openDescriptors: async () => undefined,
    };
    expect(await failureOf(start('sleep', ['600'], { table: blind }))).toMatchObject({ code: 'spawn-failed' });
    await eventually('its end', () => holdersOf(cookie).length === 0);
  });

  test('R13: nor does it where there is no process table at all', async () => {
    const refusing = createProcessTable({ platform: 'haiku' });
    const error = await start('sleep', ['600'], { table: refusing }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProcessTableError);
    await eventually('its end', () => holdersOf(cookie).length === 0);
  });
});

describe('a gated process', () => {
  test('has not executed its command before it is opened; then it has, as the same process', async () => {
    await using directory = await temporaryDirectory();
    const marker = join(directory.path, 'ran');
    const args = ['-c', 'echo "$1" > "$0"; exec sleep 600', marker, 'a "quoted" $HOME; argument'];
    const started = await start('sh', args, { gated: true });
    const { identity } = started;
    await eventually('the gate to wait', async () => /^State:\s+S/m.test(await status(identity.pid)));
    const held = await table.commandLine(identity);
    expect(held[0]).toBe('/bin/sh');
    expect(withoutGate(held)).toEqual(['sh', ...args]);
    expect(holdersOf(cookie)).toEqual([identity.pid]);
    await expect(readFile(marker)).rejects.toMatchObject({ code: 'ENOENT' });

    started.open();
    const written = await eventually('the mark', async () => await readFile(marker, 'utf8').catch(() => undefined));
    expect(written).toBe('a "quoted" $HOME; argument\n');
    await eventually('the command', async () => (await table.commandLine(identity))[0] === 'sleep');
    expect((await rowOf(started)).identity).toMatchObject({ pid: identity.pid, startToken: identity.startToken });
  });

  test('opening it twice, or after its end, is harmless', async () => {
    const started = await start('true', [], { gated: true });
    started.open();
    started.open();
    expect(await started.exited).toEqual({ code: 0, signal: null });
    started.open();
    const ungated = await start('true', []);
    ungated.open();
    expect(await ungated.exited).toEqual({ code: 0, signal: null });
  });

  test('one that is killed at the gate can still be opened without a fault', async () => {
    const started = await start('true', [], { gated: true });
    await table.signal(started.identity, 'SIGKILL');
    started.open();
    expect(await started.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test.each(['/no/such/command', '/etc/hostname'])(
    '%s is no failed spawn: the shell exits with 126 or 127',
    async (command) => {
      const started = await start(command, [], { gated: true });
      started.open();
      const { code } = await started.exited;
      expect([126, 127]).toContain(code);
    },
  );

  test('keeps its streams, however many there are', async () => {
    const echo = await start('sh', ['-c', 'echo out; echo err >&2; read -r line; echo "$line" >&4; exec sleep 600'], {
      gated: true,
      stdio: ['pipe', 'pipe', 'pipe', 'ignore', 'pipe'],
    });
    const extra = echo.child.stdio[4];
    if (extra === null || extra === undefined) throw new Error('no fifth stream');
    const answer = once(extra, 'data', { signal: AbortSignal.timeout(20_000) });
    echo.child.stdin?.write('in\n');
    echo.open();
    expect(await lineOf(echo)).toBe('out');
    expect(await lineOf(echo, 'stderr')).toBe('err');
    expect(String((await answer)[0])).toBe('in\n');
  });

  test('waits at the gate also when fewer than three streams are named', async () => {
    const started = await start('sh', ['-c', 'echo up; exec sleep 600'], { gated: true, stdio: ['ignore'] });
    await eventually('the gate to wait', async () => /^State:\s+S/m.test(await status(started.identity.pid)));
    expect((await table.commandLine(started.identity))[0]).toBe('/bin/sh');
    started.open();
    expect(await lineOf(started)).toBe('up');
  });

  test('fault 11: never executes its command when whoever spawned it is killed before opening', async () => {
    await using directory = await temporaryDirectory();
    await using bundle = await built();
    const marker = join(directory.path, 'ran');
    const helper = await startProcess(process.execPath, [
      fixture('spawns-gated.mjs'),
      bundle.module,
      cookie,
      'touch',
      marker,
    ]);
    await using _ = helper;
    const found = await table.identify(Number(await helper.line(20_000)));
    if (found.status !== 'alive') throw new Error('it did not wait at its gate');
    expect(found.process.ppid).toBe(helper.pid);
    helper.child.kill('SIGKILL');
    await eventually('its end', async () => (await table.lookup(found.process.identity)).status === 'dead');
    await expect(readFile(marker)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(holdersOf(cookie)).toEqual([]);
  });
});
