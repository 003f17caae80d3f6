import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { chmod, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { createProcessTable } from '@cm/process-table';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import {
  type ContainedProcess,
  type ContainedSpawn,
  cgroupPath,
  createScope,
  probeContainment,
  spawnContained,
  systemCgroups,
} from '../src/index.js';
import { holdersOf, sweep } from './fixtures/holders.js';
import { observer } from './fixtures/observer.js';

const table = createProcessTable();
const { tiers, cgroupParent } = probeContainment();
const why = tiers.find(({ tier }) => tier === 'cgroup')?.why;
if (cgroupParent === undefined) console.warn(`skipped: spawning into a cgroup: ${why}`);

let cookie: string;
beforeEach(() => {
  cookie = randomBytes(16).toString('hex');
});

/** A name that few shells keep. */
const ODD = { 'npm_config_//registry.example/:_x': 'kept' };
/** With what every shell takes for its own, a child cannot go through one, and is moved instead. */
const TAKEN = { OPTIND: '7' };
const PATH = process.env.PATH ?? '';

describe.skipIf(cgroupParent === undefined).each([
  ['in tier cgroup', true, {}],
  ['in tier cgroup, with names in its environment that few shells keep', true, ODD],
  ['in tier cgroup, moved into it by this process', true, TAKEN],
  ['in tier group', false, {}],
] as const)('a child %s', (_, held, odd) => {
  /** Only bash stands in where names are odd, and it has its own way with `_` and `SHLVL`. */
  const withoutBash = (environ: readonly string[]): string[] =>
    environ.filter((entry) => odd !== ODD || !/^(_|SHLVL)=/.test(entry)).sort();

  let cgroup: string | undefined;
  beforeEach(() => {
    cgroup = held ? cgroupPath(cgroupParent ?? '', cookie) : undefined;
  });
  afterEach(async () => {
    sweep(cookie);
    if (cgroup !== undefined) {
      const path = cgroup;
      systemCgroups.kill(path);
      await eventually('an empty cgroup', () => systemCgroups.remove(path));
    }
    expect(holdersOf(cookie)).toEqual([]);
  });

  const start = (
    command: string,
    args: readonly string[],
    { env, ...rest }: Partial<ContainedSpawn> = {},
  ): Promise<ContainedProcess> =>
    spawnContained({ command, args, env: { PATH, ...odd, ...env }, cookie, table, cgroup, ...rest });

  /** Everything it wrote until it ended. */
  const outputOf = async (...[command, args, rest]: Parameters<typeof start>): Promise<string> => {
    const { child, closed } = await start(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...rest });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    await closed;
    return Buffer.concat(chunks).toString();
  };

  test('sees its own cgroup as its first act, unless it was moved', async () => {
    const own = (await readFile('/proc/self/cgroup', 'utf8')).split('\n').find((line) => line.startsWith('0::')) ?? '';
    if (!held) {
      expect((await outputOf('cat', ['/proc/self/cgroup'])).split('\n')).toContain(own);
      return;
    }
    const started = await start('sh', ['-c', 'cat /proc/self/cgroup; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    started.child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await eventually('all of it', () => /^0::.*\n/m.test(said));
    const below = said.split('\n').find((line) => line.startsWith('0::'));
    if (odd === TAKEN) expect([own, `${own.replace(/\/$/, '')}/${basename(cgroup ?? '')}`]).toContain(below);
    else expect(below).toBe(`${own.replace(/\/$/, '')}/${basename(cgroup ?? '')}`);
    // However it came in, it is in now.
    expect(systemCgroups.pids(cgroup ?? '')).toContain(started.identity.pid);
    expect(started.cgroup).toBe(cgroup);
  });

  test.each([
    ['', {}],
    // These a shell takes for its own.
    [', names that a shell needs included', { IFS: ',', OPTIND: '7', PPID: '4' }],
  ])('has the environment it was given, whatever a shell would make of it, and the cookie%s', async (_case, needed) => {
    const env = {
      ...needed,
      PATH,
      CM_SCOPE: 'inherited',
      EMPTY: '',
      QUOTES: `it's "so"; $HOME \`id\` \\`,
      LINES: 'one\ntwo\n',
      // What the shell of a spawn uses, or would set.
      group: 'kept',
      gate: 'kept',
      path: 'kept',
      PS1: '% ',
      PWD: `/not/where it's at`,
      OLDPWD: '/not/where/it/was',
      SHLVL: '5',
      _: '/usr/bin/npm',
    };
    const started = await start('sleep', ['600'], { env });
    await eventually('sleep', async () => (await table.commandLine(started.identity))[0] === 'sleep');
    const environ = (await readFile(`/proc/${started.identity.pid}/environ`, 'utf8')).split('\0').slice(0, -1);
    const wanted = Object.entries({ ...odd, ...env, CM_SCOPE: cookie }).map(([name, value]) => `${name}=${value}`);
    expect(withoutBash(environ)).toEqual(withoutBash(wanted));
  });

  test('gets no variable that it was not given', async () => {
    const started = await spawnContained({
      command: '/bin/sleep',
      args: ['600'],
      env: { ...odd },
      cookie,
      table,
      cgroup,
    });
    const environ = (await readFile(`/proc/${started.identity.pid}/environ`, 'utf8')).split('\0').slice(0, -1);
    const wanted = [`CM_SCOPE=${cookie}`, ...Object.entries(odd).map(([name, value]) => `${name}=${value}`)];
    expect(withoutBash(environ)).toEqual(withoutBash(wanted));
  });

  test('has the arguments it was given, whatever a shell would make of them', async () => {
    const args = ['', ' ', '-n', '--', '-', 'a b', '\t', `'"\`$(id)\\`, 'two\nlines\n', '*', '$1', '\u00e9\u{1f600}'];
    const print = ['-e', 'process.stdout.write(JSON.stringify(process.argv.slice(1)))', '--', ...args];
    expect(JSON.parse(await outputOf(process.execPath, print))).toEqual(args);
  });

  test('has its streams, also beyond the first three', async () => {
    const script = 'read -r line; echo "out $line"; echo "err $line" >&2; echo "fourth $line" >&3; exec sleep 600';
    const { child } = await start('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
    const said = ['', '', '', ''];
    for (const number of [1, 2, 3]) {
      const stream = child.stdio[number];
      if (stream === null || stream === undefined) throw new Error(`no stream ${number}`);
      stream.on('data', (chunk: Buffer) => {
        said[number] += chunk.toString();
      });
    }
    child.stdin?.write('in\n');
    await eventually('all three', () => said.filter((text) => text.endsWith('\n')).length === 3);
    expect(said.slice(1)).toEqual(['out in\n', 'err in\n', 'fourth in\n']);
  });

  test('has its streams, also beyond the first ten: shells know no numbers of two digits', async () => {
    const stdio = [...Array.from({ length: 10 }, () => 'ignore' as const), 'pipe' as const];
    const { child, identity } = await start('sleep', ['600'], { stdio });
    await eventually('sleep', async () => (await table.commandLine(identity))[0] === 'sleep');
    expect(child.stdio).toHaveLength(stdio.length);
    expect(readdirSync(`/proc/${identity.pid}/fd`)).toContain('10');
  });

  test('fault 36: inherits no descriptor but its streams, default dispositions and an empty mask', async () => {
    await using directory = await temporaryDirectory();
    await using _file = await open(join(directory.path, 'open'), 'w');
    const server = createServer().listen(0, '127.0.0.1');
    const handler = (): void => {};
    process.on('SIGUSR2', handler);
    try {
      await eventually('the server', () => server.listening);
      const { identity } = await start('sleep', ['600']);
      // Its loader has libraries open for a moment.
      await eventually('sleep to sleep', async () => {
        const text = await readFile(`/proc/${identity.pid}/status`, 'utf8');
        return /^Name:\s+sleep\nUmask:.*\nState:\s+S/m.test(text);
      });
      const own = await table.identify(process.pid);
      const ours = own.status === 'alive' ? await table.openDescriptors(own.process.identity) : undefined;
      const theirs = await table.openDescriptors(identity);
      const beyond = [...(theirs ?? [])].filter(([number]) => number > 2);
      // What this process was itself started with and may not close, under the same number: nothing that it opened.
      for (const [number, points] of beyond) expect(ours?.get(number)).toBe(points);
      const address = [...(ours?.values() ?? [])].filter((points) => points.startsWith(directory.path));
      expect(address).toHaveLength(1);
      for (const [number] of beyond) {
        const info = await readFile(`/proc/self/fdinfo/${number}`, 'utf8');
        expect(Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? '0', 8) & 0o2000000).toBe(0);
      }
      expect([0, 1, 2].map((number) => theirs?.get(number))).toEqual(['/dev/null', '/dev/null', '/dev/null']);
      const status = await readFile(`/proc/${identity.pid}/status`, 'utf8');
      for (const field of ['SigCgt', 'SigIgn', 'SigBlk', 'SigPnd', 'ShdPnd']) {
        expect(status).toMatch(new RegExp(`^${field}:\\s*0{16}$`, 'm'));
      }
    } finally {
      process.off('SIGUSR2', handler);
      server.close();
    }
  });

  test('knows its pipes although its first act is to redirect them', async () => {
    const script = 'for _ in 1 2 3 4 5 6 7 8 9; do echo x >/dev/null; done; exec sleep 600';
    for (let round = 0; round < 10; round += 1) {
      const path = cgroup === undefined ? undefined : cgroupPath(cgroupParent ?? '', `${cookie} ${round}`);
      const started = await start('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'], cgroup: path });
      const { identity, lineage } = started;
      try {
        await eventually('sleep', async () => (await table.commandLine(identity))[0] === 'sleep');
        expect(lineage).toContain((await table.openDescriptors(identity))?.get(1));
        const own = await table.identify(process.pid);
        const ours = own.status === 'alive' ? await table.openDescriptors(own.process.identity) : undefined;
        for (const points of ours?.values() ?? []) expect(lineage).not.toContain(points);
      } finally {
        started.child.kill('SIGKILL');
        await started.exited;
        if (path !== undefined) await eventually('an empty cgroup', () => systemCgroups.remove(path));
      }
    }
  });

  // One that cannot go through a shell has no gate: what ends within a millisecond may leave no trace of its pipes.
  test.skipIf(odd === TAKEN)('knows its pipes although it is gone in a moment', async () => {
    await using watcher = await observer();
    for (let round = 0; round < 10; round += 1) {
      const path = cgroup === undefined ? undefined : cgroupPath(cgroupParent ?? '', `${cookie} ${round}`);
      const script = '(setsid env -i sleep 600 &)';
      const { exited, lineage } = await start('sh', ['-c', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
        cgroup: path,
        cwd: watcher.directory,
      });
      await exited;
      const daemon = await eventually('the daemon', () => watcher.left()[0]);
      expect(lineage).toHaveLength(1);
      expect(readlinkSync(`/proc/${daemon}/fd/1`)).toBe(lineage[0]);
      process.kill(daemon, 'SIGKILL');
      await eventually('its end', () => watcher.left().length === 0);
      if (path !== undefined) await eventually('an empty cgroup', () => systemCgroups.remove(path));
    }
  });

  describe('that cannot be started (fault 31): the errno, and no process and no cgroup left', () => {
    const failure = async (...spawn: Parameters<typeof start>): Promise<unknown> => {
      const error = await start(...spawn).catch((reason: unknown) => reason);
      expect(holdersOf(cookie)).toEqual([]);
      if (cgroup !== undefined) expect(existsSync(cgroup)).toBe(false);
      return error;
    };

    test('no such command', async () => {
      for (const command of ['/no/such/command', 'no-such-command', './no-such-command', '-no-such-command']) {
        expect(await failure(command, [])).toMatchObject({ code: 'spawn-failed', errno: 'ENOENT' });
      }
    });

    test('a file that may not be executed, a directory, and a file below a file', async () => {
      await using directory = await temporaryDirectory();
      const file = join(directory.path, 'data');
      await writeFile(file, '#!/bin/sh\n');
      await chmod(file, 0o600);
      await mkdir(join(directory.path, 'below'));
      expect(await failure(file, [])).toMatchObject({ code: 'spawn-failed', errno: 'EACCES' });
      expect(await failure(directory.path, [])).toMatchObject({ code: 'spawn-failed', errno: 'EACCES' });
      expect(await failure('./data', [], { cwd: directory.path })).toMatchObject({ errno: 'EACCES' });
      expect(await failure('data', [], { env: { PATH: directory.path } })).toMatchObject({ errno: 'EACCES' });
      expect(await failure('below', [], { env: { PATH: directory.path } })).toMatchObject({ errno: 'EACCES' });
      expect(await failure(join(file, 'x'), [])).toMatchObject({ code: 'spawn-failed', errno: 'ENOTDIR' });
    });

    test('an interpreter that is not there', async () => {
      await using directory = await temporaryDirectory();
      const file = join(directory.path, 'script');
      await writeFile(file, '#!/no/such/interpreter\n');
      await chmod(file, 0o700);
      expect(await failure(file, [])).toMatchObject({ code: 'spawn-failed', errno: 'ENOENT' });
    });

    test('no such working directory, and one that is a file', async () => {
      for (const [cwd, errno] of [
        ['/no/such/directory', 'ENOENT'],
        ['/etc/hostname', 'ENOTDIR'],
      ] as const) {
        expect(await failure('sleep', ['600'], { cwd })).toMatchObject({ code: 'spawn-failed', errno });
      }
    });

    test('a NUL in an argument', async () => {
      expect(await failure('sleep', ['6\0'])).toMatchObject({ code: 'spawn-failed', errno: 'ERR_INVALID_ARG_VALUE' });
    });
  });

  test('its exit is its own, also where it is one that the shell of the spawn would give', async () => {
    for (const code of [0, 1, 125, 126, 127]) {
      const path = cgroup === undefined ? undefined : cgroupPath(cgroupParent ?? '', `${cookie} ${code}`);
      const { exited } = await start('sh', ['-c', `exit ${code}`], { cgroup: path });
      expect(await exited).toEqual({ code, signal: null });
      if (path !== undefined) await eventually('an empty cgroup', () => systemCgroups.remove(path));
    }
  });

  test('is found and runs when its command is in the working directory or on a PATH of its own', async () => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, 'mine'), '#!/bin/sh\necho mine\n', { mode: 0o700 });
    const rest = { cwd: directory.path, env: { PATH: `/no/such:${directory.path}:/bin` } };
    expect(await outputOf('mine', [], rest)).toBe('mine\n');
  });

  test('is gated as everywhere: in its cgroup with nothing executed, then the same process', async () => {
    await using directory = await temporaryDirectory();
    const marker = join(directory.path, 'ran');
    const started = await start('sh', ['-c', `: >'${marker}'; exec sleep 600`], {
      gated: true,
      env: { PATH, gate: 'x' },
    });
    const { identity } = started;
    await eventually('the gate', async () =>
      /^State:\s+S/m.test(await readFile(`/proc/${identity.pid}/status`, 'utf8')),
    );
    if (cgroup !== undefined) expect(systemCgroups.pids(cgroup)).toEqual([identity.pid]);
    expect(existsSync(marker)).toBe(false);
    started.open();
    await eventually('the mark', () => existsSync(marker));
    if (cgroup !== undefined) expect(systemCgroups.pids(cgroup)).toEqual([identity.pid]);
  });
});

describe.skipIf(cgroupParent === undefined)('a scope in tier cgroup', () => {
  test('a cgroup that cannot be made is a failure for who insists on it, and tier group for who does not', async () => {
    const gone = { ...probeContainment(), cgroupParent: '/sys/fs/cgroup/no-such-parent' };
    expect(gone.tier).toBe('cgroup');
    const scope = createScope({ containment: gone, graceMs: 5_000 });
    try {
      const started = await scope.spawn('sleep', ['600']);
      expect(started.cgroup).toBeUndefined();
      expect(await scope.stop()).toMatchObject({ ok: true, targets: [{ outcome: 'exited' }] });
    } finally {
      sweep(scope.cookie);
    }
    const insists = spawnContained({
      command: 'sleep',
      args: ['600'],
      env: { PATH },
      cookie,
      table,
      cgroup: cgroupPath(gone.cgroupParent, cookie),
    });
    await expect(insists).rejects.toMatchObject({ code: 'containment-failed', cause: { code: 'ENOENT' } });
    expect(holdersOf(cookie)).toEqual([]);
  });

  test.each(['', ODD])('one that cannot be joined is no failed command, and nothing is left running', async (odd) => {
    // As if somebody had taken the right to it away in between.
    const cgroup = cgroupPath(cgroupParent ?? '', cookie);
    const killed: string[] = [];
    const cgroups = {
      ...systemCgroups,
      kill: (path: string) => {
        killed.push(path);
        return systemCgroups.kill(path);
      },
      create: () => {},
      add: () => {
        throw new Error('EACCES');
      },
    };
    const env = odd === '' ? { PATH } : { PATH, ...ODD };
    const joining = spawnContained({ command: 'sleep', args: ['600'], env, cookie, table, cgroup, cgroups });
    await expect(joining).rejects.toMatchObject({ code: 'containment-failed' });
    await eventually('its end', () => holdersOf(cookie).length === 0);
    // It may have started others by then.
    expect(killed).toEqual([cgroup]);
  });
});
