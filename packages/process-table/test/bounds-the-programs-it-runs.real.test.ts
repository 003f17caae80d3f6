import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { createRunPs } from '../src/posix/run-ps.js';
import { type ProgramRun, runProgram } from '../src/run-program.js';
import { PROCPS } from './fixtures/ps-dialects.js';

const run = (script: string, change: Partial<ProgramRun> = {}): ReturnType<typeof runProgram> =>
  runProgram({
    program: '/bin/sh',
    args: ['-c', script],
    environment: {},
    code: 'ps-failed',
    timeoutMs: 10_000,
    maxBytes: 1024,
    ...change,
  });

describe('a program that is run', () => {
  test('answers with what it wrote, and its pid', async () => {
    const { stdout, pid } = await run('echo $$');
    expect(Number(stdout)).toBe(pid);
  });

  test('is killed at its deadline', async () => {
    const started = performance.now();
    await expect(run('exec sleep 60', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'ps-failed' });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('is killed when it writes too much', async () => {
    await expect(run('while :; do echo 0123456789; done')).rejects.toMatchObject({ code: 'ps-failed' });
  });

  test.each(['exit 2', 'echo partial; exit 1', 'echo bad option >&2; exit 1', 'kill -KILL $$'])(
    'fails after %j',
    async (script) => {
      await expect(run(script)).rejects.toMatchObject({ code: 'ps-failed', cause: expect.any(Error) });
    },
  );

  test('that found nobody and says nothing has answered', async () => {
    expect((await run('exit 1')).stdout).toBe('');
  });

  test('that is not there fails', async () => {
    await expect(run('', { program: '/nowhere/ps', code: 'cim-failed' })).rejects.toMatchObject({ code: 'cim-failed' });
  });

  test('reads nothing', async () => {
    expect((await run('cat; echo end')).stdout).toBe('end\n');
  });

  test('gets no environment but the one given', async () => {
    expect((await run('echo "$HOME|$CM_SCOPE|$A"', { environment: { A: 'b' } })).stdout).toBe('||b\n');
  });
});

describe.skipIf(process.platform !== 'linux')('ps', () => {
  test('is bounded by what its caller says', async () => {
    const query = { columns: PROCPS.columns };
    await expect(createRunPs(PROCPS, { maxBytes: 10 })(query)).rejects.toMatchObject({ code: 'ps-failed' });
    expect((await createRunPs(PROCPS)(query)).stdout).not.toBe('');
  });

  test('is asked in English and in UTC, and gets nothing else of this environment', async () => {
    await using directory = await temporaryDirectory();
    const program = join(directory.path, 'ps');
    await writeFile(program, '#!/bin/sh\necho "$TZ $LC_ALL $HOME"\n', { mode: 0o755 });
    expect((await createRunPs({ ...PROCPS, program })({ columns: ['pid'] })).stdout).toBe('UTC0 C \n');
  });
});
