import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { adapterFor, type HostEvent } from '../src/adapters/index.js';
import { buildEvent } from '../src/build-event.js';

const read = (payload: unknown, env: Record<string, string> = {}, agent = 'claude-code'): HostEvent =>
  adapterFor(agent).read({ payload, text: JSON.stringify(payload), env, parentPid: 4711 });

const FIXTURES = join(import.meta.dirname, '../../../examples/claude-code-session/fixtures');
const fixtures = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(FIXTURES, name), 'utf8')));

test.each(fixtures)('$event as the real host sends it', ({ event, stdin, env }) => {
  const { source, reason, stop_hook_active: stopHookActive, tool_use_id: toolUseId } = stdin;
  const expected: Record<string, unknown> = { event, sessionId: stdin.session_id, ownerPid: 4711 };
  for (const [name, value] of Object.entries({ cause: source ?? reason, stopHookActive, toolUseId })) {
    if (value !== undefined) expected[name] = value;
  }
  expect(read(stdin, env)).toEqual(expected);
});

test('the fixtures are all there', () => {
  expect(fixtures).toHaveLength(6);
});

describe('session ids are opaque (R7)', () => {
  test.each([
    ['"42"', '42'],
    ['"042"', '042'],
    ['42', '42'],
    ['9007199254740993', '9007199254740993'],
    ['9007199254740992', '9007199254740992'],
    ['" "', ' '],
    ['"../../etc"', '../../etc'],
  ])('%s becomes %s', (json, expected) => {
    const text = `{"x":"\\"session_id\\":1", "session_id": ${json}, "y": 1}`;
    const host = adapterFor('claude-code').read({ payload: JSON.parse(text), text, env: {}, parentPid: 1 });
    expect(host.sessionId).toBe(expected);
  });

  test('one inside another value is not the session’s', () => {
    expect(read({ meta: { session_id: 7 }, session_id: 42 }).sessionId).toBe('42');
    expect(read({ meta: { session_id: 7 } }).sessionId).toBeUndefined();
  });

  test('one that is too long is shortened to the limit and stays distinct', () => {
    const ids = ['a', 'b'].map((end) => read({ session_id: `${'€'.repeat(200)}${end}` }).sessionId ?? '');
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) {
      expect(Buffer.byteLength(id)).toBeLessThanOrEqual(256);
      expect(id).not.toContain('\uFFFD');
    }
  });

  test('one of exactly 256 bytes is left alone', () => {
    expect(read({ session_id: 'x'.repeat(256) }).sessionId).toBe('x'.repeat(256));
  });
});

describe('tolerance', () => {
  test('conversation_id stands in for session_id', () => {
    expect(read({ conversation_id: 'c' }).sessionId).toBe('c');
    expect(read({ conversation_id: 'c', session_id: 's' }).sessionId).toBe('s');
    expect(read({ conversation_id: 'c', session_id: '' }).sessionId).toBe('c');
  });

  test('the environment names the session when the payload does not, for the host that sets it', () => {
    const env = { CLAUDE_CODE_SESSION_ID: 'e' };
    expect(read({}, env).sessionId).toBe('e');
    expect(read({ session_id: 's' }, env).sessionId).toBe('s');
    expect(read({}, env, 'another-host').sessionId).toBeUndefined();
  });

  test.each([null, 1, 'text', [], [{ session_id: 's' }], { session_id: {} }, { session_id: null }])(
    '%j says nothing',
    (payload) => {
      expect(read(payload)).toEqual({ ownerPid: 4711 });
    },
  );

  test.each(['0', '1', '-1', '2147483648', '12abc', '1.5', '', 'null'])(
    'CLAUDE_PID=%s is no owner: the parent is',
    (pid) => {
      expect(read({}, { CLAUDE_PID: pid }).ownerPid).toBe(4711);
    },
  );

  test('CLAUDE_PID is the owner, but only of the host that sets it', () => {
    expect(read({}, { CLAUDE_PID: '99' }).ownerPid).toBe(99);
    expect(read({}, { CLAUDE_PID: '99' }, 'another-host').ownerPid).toBe(4711);
  });

  test('a hook whose parent is pid 1 names no owner', () => {
    expect(adapterFor('claude-code').read({ payload: {}, text: '{}', env: {}, parentPid: 1 })).toEqual({});
  });

  test('only the start of a session waits for a worker', () => {
    const events = fixtures
      .map(({ event }) => event)
      .filter((event) => adapterFor('claude-code').waitsForWorker(event));
    expect(events).toEqual(['SessionStart']);
    expect(adapterFor('another-host').waitsForWorker('sessionStart')).toBe(true);
    expect(adapterFor('another-host').waitsForWorker('stop')).toBe(false);
  });
});

describe('ids: copies of one event share theirs, other events do not', () => {
  const at = new Date(1_000);
  const later = new Date(2_000);
  const idOf = (payload: Record<string, unknown>, event: string, when: Date): string => {
    const text = JSON.stringify(payload);
    const host = read(payload);
    return buildEvent({ event, agent: 'claude-code', at: when, host, payload, truncated: false, text }).id;
  };

  test('an event with a tool use id has the same id at any time', () => {
    const payload = { session_id: 's', tool_use_id: 't' };
    expect(idOf(payload, 'PreToolUse', at)).toBe(idOf(payload, 'PreToolUse', later));
    expect(idOf(payload, 'PreToolUse', at)).not.toBe(idOf(payload, 'PostToolUse', at));
    expect(idOf(payload, 'PreToolUse', at)).not.toBe(idOf({ ...payload, session_id: 'r' }, 'PreToolUse', at));
    expect(idOf(payload, 'PreToolUse', at)).not.toMatch(/@\d+$/);
  });

  test('any other carries its time behind a key that its copies share', () => {
    const payload = { session_id: 's', source: 'startup' };
    const [first, second] = [idOf(payload, 'SessionStart', at), idOf(payload, 'SessionStart', later)];
    expect(first).toMatch(/@1000$/);
    expect(second).toBe(first.replace(/@1000$/, '@2000'));
  });

  test.each([
    { session_id: 's', source: 'resume' },
    { session_id: 's', reason: 'other' },
    { session_id: 's', agent_id: 'a' },
    { session_id: 's', stop_hook_active: true },
    { session_id: 's', prompt: 'hello' },
  ])('%j is another event', (payload) => {
    expect(idOf(payload, 'Stop', at)).not.toBe(idOf({ session_id: 's' }, 'Stop', at));
  });

  test('no part can pretend to be another', () => {
    const one = idOf({ session_id: 's","t', tool_use_id: 'u' }, 'Stop', at);
    expect(one).not.toBe(idOf({ session_id: 's', tool_use_id: 't","u' }, 'Stop', at));
  });

  test('an id is at most 1,024 characters, and still its own', () => {
    const ids = ['a', 'b'].map((end) =>
      idOf({ session_id: 's', tool_use_id: `${'\u0001'.repeat(5_000)}${end}` }, 'Stop', at),
    );
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id.length).toBeLessThanOrEqual(1_024);
  });
});

test('an event says who its owner is, and since when', () => {
  const parts = { event: 'Stop', agent: 'a', at: new Date(0), payload: {}, truncated: false, text: '{}' };
  const stat = readFileSync(`/proc/${process.pid}/stat`, 'latin1');
  const event = buildEvent({ ...parts, host: { ownerPid: process.pid } });
  expect(event.ownerPid).toBe(process.pid);
  expect(stat.split(' ')).toContain(event.ownerStartToken);
  expect(event.sessionId).toBe('unknown');
  const gone = buildEvent({ ...parts, host: { ownerPid: 2 ** 31 - 1 } });
  expect(gone).not.toHaveProperty('ownerStartToken');
});
