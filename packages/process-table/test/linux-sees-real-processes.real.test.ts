import { spawnSync } from 'node:child_process';
import { copyFile, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { runToEnd, startProcess } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { COOKIE_VARIABLE, createProcessTable, type ProcessRow } from '../src/index.js';

const table = createProcessTable();

const rowOf = async (pid: number): Promise<ProcessRow> => {
  const found = await table.identify(pid);
  if (found.status !== 'alive') throw new Error(`${pid} is ${found.status}: ${found.reason}`);
  return found.process;
};

describe('the Linux table', () => {
  test('identifies the process it runs in, completely, and refuses to signal it', async () => {
    const row = await rowOf(process.pid);
    expect(row).toMatchObject({ ppid: process.ppid, state: 'running' });
    const { pid, startToken, bootId, pidNs } = row.identity;
    expect(pid).toBe(process.pid);
    expect(startToken).toMatch(/^\d+$/);
    expect(bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(pidNs).toMatch(/^pid:\[\d+\]$/);
    expect(await table.signal(row.identity, 'SIGTERM')).toMatchObject({ outcome: 'refused' });
  });

  test('names what the descriptors of a process point at', async () => {
    await using directory = await temporaryDirectory();
    const file = join(directory.path, 'output');
    await using child = await startProcess('sh', ['-c', 'exec 7>"$0"; echo up; exec sleep 60', file]);
    await child.line();
    const { identity } = await rowOf(child.pid);
    const descriptors = await table.openDescriptors(identity);
    expect(descriptors?.get(7)).toBe(await realpath(file));
    // The pipe that we made: what descriptor lineage looks for.
    expect(descriptors?.get(1)).toMatch(/^(pipe|socket):\[\d+\]$/);
    expect(await table.openDescriptors({ ...identity, startToken: '1' })).toBeUndefined();
  });

  test('says with which arguments a process was started', async () => {
    await using child = await startProcess('sleep', ['60']);
    const { identity } = await rowOf(child.pid);
    expect(await eventually('its arguments', async () => (await table.commandLine(identity))[1] === '60')).toBe(true);
    expect(await table.commandLine(identity)).toEqual(['sleep', '60']);
  });

  test('fault 34: a zombie is dead, although the kernel still takes signals for it', async () => {
    // The shell becomes a program that never waits for the child it has inherited.
    await using parent = await startProcess('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60']);
    const { identity } = await rowOf(Number(await parent.line()));
    await table.signal(identity, 'SIGKILL');
    await eventually('its end', async () => (await table.lookup(identity)).status === 'dead');
    expect(await table.lookup(identity)).toMatchObject({ status: 'dead', reason: 'zombie' });
    expect(process.kill(identity.pid, 0)).toBe(true);
    expect(await table.signal(identity, 'SIGTERM')).toEqual({ outcome: 'gone' });
  });

  test('a thread id is no process, although /proc answers for it', async () => {
    const threads = (await readdir('/proc/self/task')).map(Number).filter((id) => id !== process.pid);
    const [thread] = threads;
    if (thread === undefined) throw new Error('Node runs without threads');
    expect(await table.identify(thread)).toEqual({ status: 'dead', reason: 'gone' });
  });

  const python = spawnSync('python3', ['--version']).status === 0;
  if (!python) console.warn('skipped: a process without its main thread needs python3');
  test.skipIf(!python)('a process whose main thread has ended is alive', async () => {
    const script = `
import ctypes, platform, threading, time
threading.Thread(target=lambda: time.sleep(60)).start()
print("up", flush=True)
ctypes.CDLL(None).syscall({"x86_64": 60}.get(platform.machine(), 93), 0)  # exit(2) ends one thread
`;
    await using child = await startProcess('python3', ['-c', script]);
    await child.line();
    const state = async (): Promise<string | undefined> =>
      /\) (\w)/.exec((await runToEnd('cat', [`/proc/${child.pid}/stat`])).stdout)?.[1];
    await eventually('the end of the main thread', async () => (await state()) === 'Z');
    expect(await table.identify(child.pid)).toMatchObject({ status: 'alive', process: { state: 'running' } });
  });

  test.each([') (', 'a) R 1 1 1', 'schlüssel', 'two\nlines'])('fault 10: reads a program named %j', async (name) => {
    await using directory = await temporaryDirectory();
    const program = join(directory.path, name);
    await copyFile((await runToEnd('sh', ['-c', 'command -v sleep'])).stdout.trim(), program);
    await using child = await startProcess(program, ['60']);
    expect(await rowOf(child.pid)).toMatchObject({ command: name, ppid: process.pid, state: 'running' });
  });

  test('fault 10: finds a cookie beyond 128 kB of environment', async () => {
    const cookie = `far-${process.pid}`;
    const big = Object.fromEntries(Array.from({ length: 4 }, (_, index) => [`BIG${index}`, 'x'.repeat(60_000)]));
    await using child = await startProcess('sleep', ['60'], {
      env: { ...big, [COOKIE_VARIABLE]: cookie, PATH: process.env.PATH },
    });
    const [holder, ...others] = await eventually('the holder', async () => {
      const rows = await table.findByCookie(cookie);
      return rows.length > 0 && rows;
    });
    expect(holder?.identity.pid).toBe(child.pid);
    expect(others).toEqual([]);
  });

  test('finds a descendant that has left its group and session', async () => {
    await using parent = await startProcess('sh', ['-c', 'setsid sleep 60 & echo $!; wait']);
    const root = (await rowOf(parent.pid)).identity;
    const escaped = await eventually('the new session', async () => {
      const rows = await table.descendants(root);
      return rows.find((row) => row.sid === row.identity.pid);
    });
    expect(await table.signal(escaped.identity, 'SIGKILL')).toEqual({ outcome: 'sent' });
    await parent.exit;
  });

  test('closes what it opens', async () => {
    const { identity } = await rowOf(process.pid);
    const count = async (): Promise<number> => (await table.openDescriptors(identity))?.size ?? -1;
    await table.list({ cookies: true });
    const before = await count();
    for (let pass = 0; pass < 20; pass += 1) await table.list({ cookies: true });
    expect(await count()).toBe(before);
  });
});
