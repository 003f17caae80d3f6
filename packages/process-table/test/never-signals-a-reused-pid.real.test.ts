import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IN_PID_NAMESPACE, whyNoPidNamespace } from '../../../tools/testing/pid-namespace.js';
import { runToEnd, startProcess } from '../../../tools/testing/real-process.js';
import { type TemporaryDirectory, temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { createProcessTable } from '../src/index.js';
import { bundleScenes } from './fixtures/bundle.js';

let directory: TemporaryDirectory;
let scenes: string;
beforeAll(async () => {
  directory = await temporaryDirectory();
  scenes = await bundleScenes(directory.path);
});
afterAll(() => directory[Symbol.asyncDispose]());

const answerOf = async (command: string, args: readonly string[]): Promise<unknown> => {
  const { code, stdout, stderr } = await runToEnd(command, args, { deadlineMs: 25_000 });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${code}\n${stderr}`);
  return JSON.parse(stdout);
};

const why = await whyNoPidNamespace();
if (why !== undefined) console.warn(`skipped: ${why}`);

describe.skipIf(why !== undefined)('in a PID namespace of its own', () => {
  test('fault 1, field failure 2: the innocent holder of a recorded pid is not signalled', async () => {
    expect(await answerOf('unshare', [...IN_PID_NAMESPACE, process.execPath, scenes, 'reuse'])).toEqual({
      samePid: true,
      lookup: 'dead: reused',
      signal: 'foreign',
      innocent: 'alive',
      control: 'sent',
    });
  });

  test('fault 2: same pid, same start tick: the cookie tells the two apart', async () => {
    expect(await answerOf('unshare', [...IN_PID_NAMESPACE, process.execPath, scenes, 'same-tick'])).toEqual({
      sameTick: true,
      recorded: 0,
      innocent: 1,
    });
  });

  test('a /proc that belongs to another PID namespace makes every process unknown', async () => {
    await using outer = await startProcess('sleep', ['60']);
    const found = await createProcessTable().identify(outer.pid);
    if (found.status !== 'alive') throw new Error(`sleep is ${found.status}`);
    const identity = JSON.stringify(found.process.identity);
    const args = ['--pid', '--fork', '--kill-child', process.execPath, scenes, 'foreign-proc', identity];
    const unknown = { identify: 'unknown', lookup: 'unknown', signal: 'unknown' };
    expect(await answerOf('unshare', args)).toEqual({ pid: 1, ...unknown });
  });

  test('fault 35: a process hidden by hidepid=2 is unknown', async () => {
    const script = `mount -o remount,hidepid=2 /proc && setpriv --reuid 65534 --regid 65534 --clear-groups "$0" "$1" hidden 1`;
    const answer = await answerOf('unshare', [...IN_PID_NAMESPACE, 'sh', '-c', script, process.execPath, scenes]);
    expect(answer).toEqual({ uid: 65534, own: 'alive', hidden: 'unknown', listed: false });
  });
});

test('fault 14: out of descriptors, nothing is taken for dead and no listing has holes', async () => {
  const answer = await answerOf('sh', [
    '-c',
    'ulimit -n 64; exec "$0" "$1" out-of-descriptors',
    process.execPath,
    scenes,
  ]);
  expect(answer).toEqual({
    control: 'alive',
    lookup: 'unknown: /proc cannot be read: EMFILE',
    listed: 'unreadable-proc',
  });
});
