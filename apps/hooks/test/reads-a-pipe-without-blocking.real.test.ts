import { closeSync, constants, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { runToEnd } from '../../../tools/testing/real-process.js';
import { type TemporaryDirectory, temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { readStdin } from '../src/read-stdin.js';
import { fromPipe } from '../src/stdin-source.js';
import { buildHook, HOOK, hookHome } from './support.js';

beforeAll(buildHook);
vi.setConfig({ testTimeout: 120_000 });

const opened: number[] = [];
afterEach(() => {
  for (const descriptor of opened.splice(0)) closeSync(descriptor);
});

const open = (path: string, flags: number): number => {
  const descriptor = openSync(path, flags);
  opened.push(descriptor);
  return descriptor;
};

/** Both ends of a pipe, as a host and its hook hold them; the reader's blocks. */
const pipe = async (directory: TemporaryDirectory): Promise<{ reader: number; writer: number }> => {
  const path = join(directory.path, 'fifo');
  await runToEnd('mkfifo', [path]);
  const both = open(path, constants.O_RDWR);
  const reader = open(path, constants.O_RDONLY);
  const writer = open(path, constants.O_WRONLY);
  closeSync(both);
  opened.splice(opened.indexOf(both), 1);
  return { reader, writer };
};

const source = (descriptor: number) => {
  const found = fromPipe(descriptor);
  if (found === undefined) throw new Error('this is no pipe');
  return found;
};

test('a value that comes in pieces is read when it is whole, and the pipe stays open', async () => {
  await using directory = await temporaryDirectory();
  const { reader, writer } = await pipe(directory);
  const reading = readStdin(source(reader), { deadlineMs: 60_000 });
  for (const piece of ['{"a":', '"x', '"}', '{"second":1}']) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    writeSync(writer, piece);
  }
  expect(await reading).toMatchObject({ status: 'complete', payload: { a: 'x' } });
});

test('an empty pipe that nobody closes is left at the deadline (field failure 76)', async () => {
  await using directory = await temporaryDirectory();
  const { reader } = await pipe(directory);
  expect(await readStdin(source(reader), { deadlineMs: 20 })).toMatchObject({
    status: 'broken',
    ending: 'deadline',
    text: '',
  });
});

test('a pipe that its host closes is at its end', async () => {
  await using directory = await temporaryDirectory();
  const { reader, writer } = await pipe(directory);
  const reading = readStdin(source(reader), { deadlineMs: 60_000 });
  writeSync(writer, '42');
  closeSync(writer);
  opened.splice(opened.indexOf(writer), 1);
  expect(await reading).toMatchObject({ status: 'complete', payload: 42 });
});

test('a file is no pipe, and neither is a descriptor that is not open', async () => {
  await using directory = await temporaryDirectory();
  expect(fromPipe(open(join(directory.path, 'file'), constants.O_CREAT | constants.O_RDWR))).toBeUndefined();
  expect(fromPipe(1_000_000)).toBeUndefined();
});

test.each([
  ['a pipe', `printf '{"session_id":"s"}' | "$NODE" "$HOOK" Stop`, 1],
  [
    'a large pipe',
    `{ printf '{"session_id":"s","x":"'; head -c 3000000 /dev/zero | tr '\\0' x; printf '"}'; } | "$NODE" "$HOOK" Stop`,
    1,
  ],
  ['a file', `printf '{"session_id":"s"}' > "$HOME/f"; "$NODE" "$HOOK" Stop < "$HOME/f"`, 1],
  ['the null device', `"$NODE" "$HOOK" Stop < /dev/null`, 0],
  ['a directory', `"$NODE" "$HOOK" Stop < "$HOME"`, 0],
  ['nothing at all', `"$NODE" "$HOOK" Stop <&-`, 0],
])('%s on stdin: exit 0, silent', async (_, script, events) => {
  await using hooks = await hookHome();
  const env = { PATH: process.env.PATH, HOME: hooks.home, CM_DATA_DIR: hooks.dataDir, CM_WORKER_ENTRY: '/nonexistent' };
  const shell = await runToEnd('/bin/sh', ['-c', script], {
    env: { ...env, NODE: process.execPath, HOOK },
    deadlineMs: 60_000,
  });
  expect(shell).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(hooks.events()).toHaveLength(events);
  expect(readdirSync(hooks.path)).toEqual(['data', 'home']);
});
