import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { buildHook, type HookRun, hookHome, inLessThan } from './support.js';

beforeAll(buildHook);
vi.setConfig({ testTimeout: 120_000 });

/** A little more than a hook waits for a host that leaves stdin open, on a machine as busy as this one may be. */
const GIVES_UP_MS = 3_200;

const expectSilence = (run: HookRun): void => {
  expect(run).toMatchObject({ code: 0, signal: null, stdout: '', stderr: '' });
};

const session = { session_id: 's' };

describe('whatever comes on stdin (fault 38)', () => {
  const whole: [string, string | Buffer, unknown][] = [
    ['an object', '{"session_id":"s","a":1}', { session_id: 's', a: 1 }],
    ['a byte order mark', '\uFEFF{"session_id":"s"}', session],
    ['two documents', '{"session_id":"s"}{"session_id":"other"}', session],
    ['two documents on two lines', '{"session_id":"s"}\n{"session_id":"other"}\n', session],
    ['blanks around', ' \n\t{"session_id":"s"} \n', session],
    [
      'invalid UTF-8',
      Buffer.from([...Buffer.from('{"session_id":"s","a":"'), 0xff, ...Buffer.from('"}')]),
      { ...session, a: '\uFFFD' },
    ],
  ];

  test.each(whole)('%s is delivered once', async (_, input, payload) => {
    await using hooks = await hookHome();
    expectSilence(await hooks.run({ input }));
    expect(hooks.events()).toMatchObject([{ event: 'PostToolUse', sessionId: 's', agent: 'claude-code', payload }]);
    expect(hooks.events()[0]).not.toHaveProperty('truncated');
  });

  test.each(['{}', '[]', '42', '"text"', 'null'])(
    '%s names no session: it is spooled for the unknown one',
    async (input) => {
      await using hooks = await hookHome();
      expectSilence(await hooks.run({ input }));
      expect(hooks.events()).toMatchObject([{ sessionId: 'unknown', payload: JSON.parse(input) }]);
    },
  );

  test.each([
    ['nothing', '', 'stdin: empty (end), 0 characters'],
    ['blanks', ' \n', 'stdin: empty (end), 0 characters'],
    ['no JSON', 'hello', 'stdin: not JSON (end), 5 characters'],
    ['the wrong bracket', '{]', 'stdin: not JSON (complete), 2 characters'],
    ['a NUL', '\0', 'stdin: not JSON (end), 1 characters'],
  ])('%s leaves a note and no event (field failure 76)', async (_, input, detail) => {
    await using hooks = await hookHome();
    expectSilence(await hooks.run({ input }));
    expect(hooks.events()).toEqual([]);
    expect(hooks.notes()).toMatchObject([{ code: 'lost', event: 'PostToolUse', detail }]);
  });

  test('what is no JSON is kept as text when the session is known (field failure 76)', async () => {
    await using hooks = await hookHome();
    expectSilence(await hooks.run({ input: 'hello', env: { CLAUDE_CODE_SESSION_ID: 'e' } }));
    expect(hooks.events()).toMatchObject([{ sessionId: 'e', truncated: true, payload: { raw: 'hello' } }]);
    expect(hooks.notes()).toMatchObject([{ code: 'broken' }, { code: 'worker' }]);
  });

  test('an end of a session that comes without a payload is still an end (field failure 70)', async () => {
    await using hooks = await hookHome();
    expectSilence(await hooks.run({ args: ['SessionEnd'], env: { CLAUDE_CODE_SESSION_ID: 'e' } }));
    expect(hooks.events()).toMatchObject([
      { event: 'SessionEnd', sessionId: 'e', truncated: true, payload: { raw: '' } },
    ]);
    expect(hooks.notes()[0]).toMatchObject({ code: 'broken', detail: 'stdin: empty (end), 0 characters' });
  });

  test('stdin that is never closed costs nothing once the value is whole (field failure 76)', async () => {
    await using hooks = await hookHome();
    // Less than a hook waits for an open stdin.
    const run = await inLessThan(700, () => hooks.run({ input: '{"session_id":"s"}', open: true }));
    expectSilence(run);
    expect(hooks.events().length).toBeGreaterThan(0);
    expect(hooks.notes().filter(({ code }) => code !== 'worker')).toEqual([]);
  });

  test('stdin that is never written nor closed does not hold the hook (field failure 76)', async () => {
    await using hooks = await hookHome();
    const run = await inLessThan(GIVES_UP_MS, () => hooks.run({ open: true }));
    expectSilence(run);
    expect(hooks.notes().slice(0, 1)).toMatchObject([
      { code: 'lost', detail: 'stdin: empty (deadline), 0 characters' },
    ]);
  });

  test('a value that never ends is spooled as far as it came (field failure 76)', async () => {
    await using hooks = await hookHome();
    const input = `{"session_id":"s","tool_input":{"command":"${'x'.repeat(100_000)}`;
    const run = await inLessThan(GIVES_UP_MS, () => hooks.run({ input, open: true }));
    expectSilence(run);
    expect(hooks.events()[0]).toMatchObject({
      sessionId: 's',
      truncated: true,
      payload: { raw: input.slice(0, 65_536) },
    });
    expect(hooks.notes()[0]).toMatchObject({ code: 'broken', detail: 'stdin: not JSON (deadline), 65536 characters' });
  });

  test('50 MB: cut, with every id still there (fault 38)', async () => {
    await using hooks = await hookHome();
    const head = '{"session_id":"s","hook_event_name":"PostToolUse","tool_name":"Read","tool_response":"';
    const filler = Buffer.alloc(10 * 1024 * 1024, 'y');
    const input = [head, filler, filler, filler, filler, filler, '","tool_use_id":"toolu_9"}'];
    const run = await hooks.run({ args: [], input });
    expectSilence(run);
    const [event] = hooks.events();
    expect(event).toMatchObject({ event: 'PostToolUse', sessionId: 's', truncated: true });
    expect(event?.payload).toMatchObject({ tool_name: 'Read' });
    expect(JSON.stringify(event).length).toBeLessThan(100_000);
  });
});

describe('however it is called', () => {
  const input = JSON.stringify({ ...session, hook_event_name: 'FromStdin' });

  test.each<[string[], string]>([
    [['Stop'], 'Stop'],
    [[], 'FromStdin'],
    [['--agent', 'claude-code', 'Stop'], 'Stop'],
    [['--agent=cursor', 'stop'], 'stop'],
    [['Stop', '--agent'], 'Stop'],
    [['--unknown', 'Stop', '--also=1'], 'Stop'],
    [['-x', '', 'Stop', 'Other'], 'Stop'],
    [['Not/An Event\n'], 'Not/An Event\n'],
  ])('%j is %j', async (args, event) => {
    await using hooks = await hookHome();
    expectSilence(await hooks.run({ args, input }));
    expect(hooks.events()).toMatchObject([{ event, sessionId: 's' }]);
  });

  test('an event that nobody names is noted (bad usage)', async () => {
    await using hooks = await hookHome();
    expectSilence(await hooks.run({ args: ['--unknown'], input: JSON.stringify(session) }));
    expect(hooks.events()).toEqual([]);
    expect(hooks.notes()).toMatchObject([{ code: 'usage' }]);
  });

  test.each(['--help', '-h'])('%s prints how it is used, reads nothing and starts nothing', async (flag) => {
    await using hooks = await hookHome();
    const run = await hooks.run({ args: [flag], open: true });
    expect(run).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Usage: cm-hook .*EVENT/) });
    expect(readdirSync(hooks.path)).toEqual(['home']);
  });

  test('any host is served, and none is printed for', async () => {
    await using hooks = await hookHome();
    expectSilence(await hooks.run({ args: ['--agent', 'cursor', 'stop'], input: '{"conversation_id":42}' }));
    expect(hooks.events()).toMatchObject([{ agent: 'cursor', event: 'stop', sessionId: '42' }]);
  });

  test('from a working directory that is gone (field failure 63)', async () => {
    await using hooks = await hookHome();
    const script = `process.chdir(${JSON.stringify(hooks.home)}); require('fs').rmdirSync(${JSON.stringify(hooks.home)});`;
    const preload = join(hooks.path, 'preload.cjs');
    writeFileSync(preload, script);
    expectSilence(await hooks.run({ nodeArgs: ['--require', preload], input }));
    expect(hooks.events()).toHaveLength(1);
  });
});

const FIXTURES = join(import.meta.dirname, '../../../examples/claude-code-session/fixtures');

test('what the real host sends arrives as it was sent, whichever event comes first (fault 40, field failure 75)', async () => {
  await using hooks = await hookHome();
  const said = readdirSync(FIXTURES)
    .filter((name) => name.endsWith('.json') && name !== 'SessionStart.json')
    .map((name) => JSON.parse(readFileSync(join(FIXTURES, name), 'utf8')));
  for (const { event, env, stdin } of said) {
    expectSilence(await hooks.run({ args: [event], env, input: JSON.stringify(stdin) }));
  }
  const expected = said.map(({ event, stdin }) => ({
    event,
    sessionId: stdin.session_id,
    payload: stdin,
    ownerPid: process.pid,
  }));
  expect(hooks.events()).toMatchObject(expected);
});
