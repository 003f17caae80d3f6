import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../../../tools/testing/bundle.js';
import { IN_PID_NAMESPACE, whyNoPidNamespace } from '../../../tools/testing/pid-namespace.js';
import { runToEnd } from '../../../tools/testing/real-process.js';
import { type TemporaryDirectory, temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { fixture } from './fixtures/built.js';

const why = await whyNoPidNamespace();
if (why !== undefined) console.warn(`skipped: a recorded pid that was handed out again: ${why}`);

const UNTOUCHED = { signals: [], members: [], innocent: 'running', pending: false };

describe.skipIf(why !== undefined)('a recorded pid that was handed out again', () => {
  let directory: TemporaryDirectory;
  let program: string;
  beforeAll(async () => {
    directory = await temporaryDirectory();
    program = await bundle(fixture('reuses-a-pid.ts'), join(directory.path, 'reuses-a-pid.mjs'));
  });
  afterAll(() => directory[Symbol.asyncDispose]());

  const play = async (...scene: readonly string[]): Promise<unknown> => {
    const args = [...IN_PID_NAMESPACE, process.execPath, program, ...scene];
    const { stdout, stderr } = await runToEnd('unshare', args, { deadlineMs: 28_000 });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  };

  test.each([
    ['another cookie', ['theirs']],
    ['no cookie', []],
  ])(
    'fault 1: an innocent with %s and another start tick is foreign, as a leader and as a member',
    async (_, cookie) => {
      expect(await play('reuse', ...cookie)).toEqual({
        leader: { ok: true, outcome: 'foreign', ...UNTOUCHED },
        member: { ok: true, outcome: 'gone', ...UNTOUCHED },
      });
    },
  );

  test('fault 2: at an equal start tick another cookie is another process', async () => {
    expect(await play('same-tick', 'theirs')).toEqual({
      leader: { ok: true, outcome: 'foreign', ...UNTOUCHED },
      member: { ok: true, outcome: 'gone', ...UNTOUCHED },
    });
  });

  test('fault 2: at an equal start tick no cookie proves nothing: unknown, never ok, and nothing is sent', async () => {
    expect(await play('same-tick')).toEqual({
      leader: { ok: false, outcome: 'unknown', ...UNTOUCHED },
      member: { ok: false, outcome: 'unknown', ...UNTOUCHED },
    });
  });
});
