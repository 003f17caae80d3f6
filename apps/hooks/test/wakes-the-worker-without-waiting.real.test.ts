import { copyFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PidRecord } from '@cm/pid-file/read';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { startProcess } from '../../../tools/testing/real-process.js';
import {
  bareStartMs,
  buildHook,
  fakeWorker,
  HOOK,
  type HookHome,
  hookHome,
  inLessThan,
  startTokenOf,
} from './support.js';

beforeAll(buildHook);
// What is under test has its own bounds; a busy machine needs many times as long for the processes around it.
vi.setConfig({ testTimeout: 300_000 });

const input = '{"session_id":"s"}';
const SILENT = { code: 0, signal: null, stdout: '', stderr: '' };

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8').trim() : '');

/** A PID file that names a process, as a worker would write it. */
const writePidFile = (hooks: HookHome, pid: number, startToken: string): void => {
  const record: PidRecord = {
    schema: 1,
    pid,
    startToken,
    bootId: textOf('/proc/sys/kernel/random/boot_id'),
    machineId: textOf('/etc/machine-id'),
    pidNs: readlinkSync('/proc/self/ns/pid'),
    port: 9,
    address: '127.0.0.1',
    startedAt: new Date().toISOString(),
    version: '0.0.0',
    protocol: 1,
    dataDir: hooks.dataDir,
    instanceId: 'i',
    proof: { client: 'c', worker: 'w' },
  };
  mkdirSync(hooks.dataDir, { recursive: true });
  writeFileSync(join(hooks.dataDir, 'worker.pid'), JSON.stringify(record), { mode: 0o600 });
};

const spawned = (hooks: HookHome, count = 1) =>
  eventually(`${count} starts`, () => hooks.spawns().length >= count && hooks.spawns());

describe('no worker runs', () => {
  test('one is started: detached, silent, in the data directory, without the marks of the session (S9, R24, field failures 62, 63)', async () => {
    await using hooks = await hookHome();
    const env = {
      CM_WORKER_ENTRY: fakeWorker('stays'),
      CLAUDECODE: '1',
      CLAUDE_CODE_SESSION_ID: 's',
      CLAUDE_CODE_ENTRYPOINT: 'sdk-cli',
      CLAUDE_CODE_CHILD_SESSION: '1',
      CLAUDE_PID: '99',
      CLAUDE_PROJECT_DIR: '/x',
      CM_SCOPE: 'row@/another/data/directory',
      KEPT: 'yes',
    };
    expect(await hooks.run({ input, env })).toMatchObject(SILENT);
    const [spawn] = await spawned(hooks);
    expect(spawn).toMatchObject({ argv: ['run', '--data-dir', hooks.dataDir, '--daemon'], cwd: hooks.dataDir });
    expect(spawn?.env).toMatchObject({ KEPT: 'yes', HOME: hooks.home, CM_DATA_DIR: hooks.dataDir });
    expect(Object.keys(spawn?.env ?? {}).filter((name) => /^CLAUDE|^CM_SCOPE/.test(name))).toEqual([]);
    const log = join(hooks.dataDir, 'logs', 'boot.log');
    expect(spawn?.streams).toEqual(['/dev/null', log, log]);
    expect(spawn?.sid).toBe(spawn?.pid);
    expect(hooks.events()).toHaveLength(1);
    expect(hooks.notes()).toEqual([]);
  });

  test('the real path is shown to the worker when the directory was named by a link', async () => {
    await using hooks = await hookHome();
    mkdirSync(hooks.dataDir);
    const link = join(hooks.path, 'link');
    symlinkSync(hooks.dataDir, link);
    await hooks.run({ input, env: { CM_DATA_DIR: link, CM_WORKER_ENTRY: fakeWorker('stays') } });
    const [spawn] = await spawned(hooks);
    expect(spawn?.argv.slice(0, 3)).toEqual(['run', '--data-dir', hooks.dataDir]);
  });

  test('the worker survives its launcher’s whole group (S9, fault 25)', async () => {
    await using hooks = await hookHome();
    const env = {
      PATH: process.env.PATH,
      HOME: hooks.home,
      CM_DATA_DIR: hooks.dataDir,
      CM_WORKER_ENTRY: fakeWorker('stays'),
    };
    const script = `echo '${input}' | '${process.execPath}' '${HOOK}' Stop; echo left; sleep 60`;
    await using launcher = await startProcess('/bin/sh', ['-c', script], { env, detached: true });
    expect(await launcher.line()).toBe('left');
    const [spawn] = await spawned(hooks);
    process.kill(-launcher.pid, 'SIGKILL');
    await launcher.exit;
    expect(readFileSync(`/proc/${spawn?.pid}/stat`, 'latin1')).toContain(' S ');
  });

  test('one that still boots is not started a second time', async () => {
    await using hooks = await hookHome();
    const env = { CM_WORKER_ENTRY: fakeWorker('stays') };
    for (let count = 0; count < 5; count += 1) await hooks.run({ input, env });
    await spawned(hooks);
    expect(hooks.spawns()).toHaveLength(1);
    expect(hooks.events()).toHaveLength(5);
  });

  test('100 hooks against a worker that dies at once: exit 0 each, every event kept, three starts (fault 37, field failure 65)', async () => {
    await using hooks = await hookHome();
    const env = { CM_WORKER_ENTRY: fakeWorker('exits-at-once') };
    const durations: number[] = [];
    const bare: number[] = [];
    for (let count = 0; count < 100; count += 1) {
      const run = await hooks.run({ input: `{"session_id":"s","tool_use_id":"t${count}"}`, env });
      expect(run).toMatchObject(SILENT);
      durations.push(run.durationMs);
      if (count % 10 === 0) bare.push(await bareStartMs());
    }
    const ids = hooks.events().map(({ id }) => id);
    expect(new Set(ids).size).toBe(100);
    const starts = hooks.spawns().length;
    expect(starts).toBeGreaterThanOrEqual(1);
    expect(starts).toBeLessThanOrEqual(4);
    expect(median(durations)).toBeLessThan(300 + 3 * median(bare));
  });

  test('no artifact to start is noted, and not looked for at every event', async () => {
    await using hooks = await hookHome();
    for (let count = 0; count < 5; count += 1) expect(await hooks.run({ input })).toMatchObject(SILENT);
    expect(hooks.notes().map(({ code }) => code)).toEqual(['worker', 'worker', 'worker']);
    expect(hooks.events()).toHaveLength(5);
  });

  test('the hook runs copied to an empty directory, and finds the worker beside itself (field failure 78)', async () => {
    await using hooks = await hookHome();
    const place = join(hooks.path, 'place');
    mkdirSync(place);
    const hook = join(place, 'cm-hook.cjs');
    copyFileSync(HOOK, hook);
    writeFileSync(join(place, 'cm-worker.js'), `require(${JSON.stringify(fakeWorker('stays'))})`);
    await hooks.run({ input, hook, env: { CM_WORKER_ENTRY: undefined } });
    const [spawn] = await spawned(hooks);
    expect(readFileSync(`/proc/${spawn?.pid}/cmdline`, 'utf8').split('\0')[1]).toBe(join(place, 'cm-worker.js'));
  });
});

describe('a worker is named by the PID file', () => {
  test('a live one is left alone, and earlier failures are forgotten', async () => {
    await using hooks = await hookHome();
    await using worker = await startProcess('sleep', ['60'], { stdio: 'ignore' });
    writePidFile(hooks, worker.pid, startTokenOf(worker.pid));
    mkdirSync(join(hooks.dataDir, 'spool'));
    const attempt = join(hooks.dataDir, 'spool', 'spawn-attempt.json');
    writeFileSync(attempt, JSON.stringify({ atMs: Date.now(), pid: 0, startToken: '', failures: 2 }));
    expect(await hooks.run({ input, env: { CM_WORKER_ENTRY: fakeWorker('stays') } })).toMatchObject(SILENT);
    expect(existsSync(attempt)).toBe(false);
    expect(existsSync(join(hooks.dataDir, 'logs', 'boot.log'))).toBe(false);
    expect(hooks.events()).toHaveLength(1);
  });

  test('a frozen one costs nothing (fault 16)', async () => {
    await using hooks = await hookHome();
    await using worker = await startProcess('sleep', ['60'], { stdio: 'ignore' });
    writePidFile(hooks, worker.pid, startTokenOf(worker.pid));
    process.kill(worker.pid, 'SIGSTOP');
    await eventually('the worker is stopped', () =>
      readFileSync(`/proc/${worker.pid}/stat`, 'latin1').includes(') T '),
    );
    const env = { CM_WORKER_ENTRY: fakeWorker('stays') };
    const run = await inLessThan(1_000, () => hooks.run({ input, env }));
    expect(run).toMatchObject(SILENT);
    expect(existsSync(join(hooks.dataDir, 'logs', 'boot.log'))).toBe(false);
    expect(hooks.events().length).toBeGreaterThan(0);
  });

  test('one whose pid belongs to somebody else by now is dead', async () => {
    await using hooks = await hookHome();
    await using stranger = await startProcess('sleep', ['60'], { stdio: 'ignore' });
    writePidFile(hooks, stranger.pid, '1');
    await hooks.run({ input, env: { CM_WORKER_ENTRY: fakeWorker('stays') } });
    expect(await spawned(hooks)).toHaveLength(1);
  });

  test('one that was started, published its PID file and was killed is replaced every time', async () => {
    await using hooks = await hookHome();
    const env = { CM_WORKER_ENTRY: fakeWorker('answers') };
    for (let round = 1; round <= 6; round += 1) {
      expect(await hooks.run({ input, env })).toMatchObject(SILENT);
      const worker = (await spawned(hooks, round)).at(-1);
      if (worker === undefined) throw new Error('no worker');
      process.kill(worker.pid, 'SIGKILL');
      await eventually('its end', () => !textOf(`/proc/${worker.pid}/stat`).match(/\) [^ZX] /));
    }
  });

  test('an unusable PID file names nobody', async () => {
    await using hooks = await hookHome();
    mkdirSync(hooks.dataDir);
    writeFileSync(join(hooks.dataDir, 'worker.pid'), 'half a rec');
    await hooks.run({ input, env: { CM_WORKER_ENTRY: fakeWorker('stays') } });
    expect(await spawned(hooks)).toHaveLength(1);
  });
});

describe('the start of a session waits until the worker is ready', () => {
  const args = ['SessionStart'];

  test('starting one where there is none, and saying nothing (field failure 68)', async () => {
    await using hooks = await hookHome();
    const run = await hooks.run({ args, input, env: { CM_WORKER_ENTRY: fakeWorker('answers') } });
    expect(run).toMatchObject(SILENT);
    expect(hooks.spawns()).toHaveLength(1);
    expect(hooks.spawns()[0]).toMatchObject({
      argv: ['run', '--data-dir', hooks.dataDir, '--daemon'],
      cwd: hooks.dataDir,
    });
    expect(hooks.notes()).toEqual([]);
    expect(existsSync(join(hooks.dataDir, 'spool', 'spawn-attempt.json'))).toBe(false);
    const again = await hooks.run({ args, input, env: { CM_WORKER_ENTRY: fakeWorker('answers') } });
    expect(again).toMatchObject(SILENT);
    expect(hooks.spawns()).toHaveLength(1);
    expect(hooks.events()).toHaveLength(2);
  });

  test('ten at once get one worker (fault 24)', async () => {
    await using hooks = await hookHome();
    const env = { CM_WORKER_ENTRY: fakeWorker('answers') };
    const runs = await Promise.all(Array.from({ length: 10 }, () => hooks.run({ args, input, env })));
    for (const run of runs) expect(run).toMatchObject(SILENT);
    expect(hooks.spawns()).toHaveLength(1);
    expect(hooks.events()).toHaveLength(10);
  });

  test('a worker that another hook has just started is waited for, not doubled (field failure 75)', async () => {
    await using hooks = await hookHome();
    await hooks.run({ args: ['UserPromptSubmit'], input, env: { CM_WORKER_ENTRY: fakeWorker('stays') } });
    await spawned(hooks);
    expect(await hooks.run({ args, input, env: { CM_WORKER_ENTRY: fakeWorker('answers') } })).toMatchObject(SILENT);
    expect(hooks.notes()).toMatchObject([{ code: 'worker', detail: 'booting' }]);
    expect(hooks.spawns()).toHaveLength(1);
  });

  test('never more than five seconds, and the event is kept (field failure 72)', async () => {
    await using hooks = await hookHome();
    const run = await hooks.run({ args, input, env: { CM_WORKER_ENTRY: fakeWorker('stays') } });
    expect(run).toMatchObject(SILENT);
    expect(run.durationMs).toBeGreaterThan(3_000);
    expect(run.durationMs).toBeLessThan(4_900 + 2 * (await bareStartMs()));
    expect(hooks.events()).toHaveLength(1);
  });

  test('a worker that dies at once is not waited for', async () => {
    await using hooks = await hookHome();
    const env = { CM_WORKER_ENTRY: fakeWorker('exits-at-once') };
    expect(await hooks.run({ args, input, env })).toMatchObject(SILENT);
    expect(hooks.notes()).toMatchObject([{ detail: 'the worker ended with code 1 while it started' }]);
    expect(hooks.spawns()).toHaveLength(1);
    const attempt = readFileSync(join(hooks.dataDir, 'spool', 'spawn-attempt.json'), 'utf8');
    expect(JSON.parse(attempt)).toMatchObject({ pid: hooks.spawns()[0]?.pid, failures: 0 });
  });

  test('after three failed starts it neither starts one nor waits', async () => {
    await using hooks = await hookHome();
    mkdirSync(join(hooks.dataDir, 'spool'), { recursive: true });
    const attempt = { atMs: Date.now(), pid: 0, startToken: '', failures: 2 };
    writeFileSync(join(hooks.dataDir, 'spool', 'spawn-attempt.json'), JSON.stringify(attempt));
    expect(await hooks.run({ args, input, env: { CM_WORKER_ENTRY: fakeWorker('answers') } })).toMatchObject(SILENT);
    expect(hooks.notes()).toMatchObject([{ code: 'worker', detail: 'breaker-open' }]);
    expect(existsSync(join(hooks.dataDir, 'logs', 'boot.log'))).toBe(false);
  });

  test('a worker that cannot be talked to is not replaced', async () => {
    await using hooks = await hookHome();
    await using worker = await startProcess('sleep', ['60'], { stdio: 'ignore' });
    writePidFile(hooks, worker.pid, startTokenOf(worker.pid));
    const run = await hooks.run({ args, input, env: { CM_WORKER_ENTRY: fakeWorker('answers') } });
    expect(run).toMatchObject(SILENT);
    expect(run.durationMs).toBeLessThan(4_900 + 2 * (await bareStartMs()));
    expect(hooks.spawns()).toEqual([]);
    expect(hooks.events()).toHaveLength(1);
  });
});
