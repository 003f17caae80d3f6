import { expect, it } from 'vitest';
import { claudeCodePolicy, daemonPolicy, inspectEnv, isCleanEnv, sanitizeEnv } from '../src/index.js';

it('R3, field failure 38: names what is removed and by which rule', () => {
  expect(inspectEnv({ A: '1', CLAUDECODE: '1', CLAUDE_CODE_X: '1', CLAUDE_CODE_OAUTH_TOKEN: '1' })).toEqual({
    kept: ['A', 'CLAUDE_CODE_OAUTH_TOKEN'],
    removed: [
      {
        key: 'CLAUDECODE',
        rule: { kind: 'exact', match: 'CLAUDECODE', reason: 'marks a child of a session', fieldFailure: 56 },
      },
      {
        key: 'CLAUDE_CODE_X',
        rule: { kind: 'prefix', match: 'CLAUDE_CODE_', reason: 'state of the session', fieldFailure: 56 },
      },
    ],
  });
});

it('gives a pattern as text, so that a report survives JSON', () => {
  const policy = { ...claudeCodePolicy, patterns: [{ match: /^SECRET_\d$/i, reason: 'numbered' }] };
  const { removed } = inspectEnv({ secret_1: 'x' }, policy);
  expect(removed).toEqual([
    { key: 'secret_1', rule: { kind: 'pattern', match: '/^SECRET_\\d$/i', reason: 'numbered' } },
  ]);
  expect(JSON.parse(JSON.stringify(removed))).toEqual(removed);
});

it('R18: no value is ever part of the answer', () => {
  const env = {
    CLAUDE_CODE_MESSAGING_TOKEN: 'hush-1',
    ANTHROPIC_API_KEY: 'hush-2',
    OTHER: 'hush-3',
    CM_SCOPE: 'hush-4',
  };
  expect(JSON.stringify(inspectEnv(env, daemonPolicy))).not.toContain('hush');
});

it('leaves out what is undefined', () => {
  expect(inspectEnv({ A: undefined, CLAUDECODE: undefined })).toEqual({ kept: [], removed: [] });
  expect(isCleanEnv({ CLAUDECODE: undefined })).toBe(true);
});

it('field failure 38: an environment of an OAuth or Bedrock user is clean', () => {
  expect(isCleanEnv({ CLAUDE_CODE_OAUTH_TOKEN: 't', CLAUDE_CODE_USE_BEDROCK: '1', AWS_REGION: 'r' })).toBe(true);
  expect(isCleanEnv({ CLAUDE_CODE_SESSION_ID: 's' })).toBe(false);
  expect(isCleanEnv({ CM_SCOPE: 's' })).toBe(true);
  expect(isCleanEnv({ CM_SCOPE: 's' }, daemonPolicy)).toBe(false);
  expect(isCleanEnv({ cm_scope: 's' }, daemonPolicy, { platform: 'win32' })).toBe(false);
});

/** Deterministic, so that a failure can be repeated: mulberry32. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const PIECES = [
  'CLAUDE_CODE_',
  'CLAUDECODE',
  'SESSION',
  'AWS_',
  'proxy',
  'npm_config_',
  'SKIP',
  '_AUTH',
  'cm_scope',
  '__proto__',
  '=',
];

it.each([claudeCodePolicy, daemonPolicy])(
  'splits 300 random environments without loss, and is idempotent',
  (policy) => {
    const random = randomFrom(1370);
    const pick = (): string => PIECES[Math.floor(random() * PIECES.length)] ?? '';
    let removals = 0;
    for (let round = 0; round < 300; round++) {
      const options = { platform: random() < 0.5 ? 'win32' : 'linux' };
      const keys = Array.from({ length: 12 }, () => Array.from({ length: Math.floor(random() * 6) }, pick).join(''));
      const env = Object.fromEntries(keys.map((key): [string, string] => [key, `value of ${key}`]));
      const clean = sanitizeEnv(env, policy, options);
      const { kept, removed } = inspectEnv(env, policy, options);
      removals += removed.length;
      expect(Object.keys(clean)).toEqual(kept);
      expect(kept.length + removed.length).toBe(Object.keys(env).length);
      expect(kept.filter((key) => clean[key] !== env[key])).toEqual([]);
      expect(isCleanEnv(env, policy, options)).toBe(removed.length === 0);
      expect(isCleanEnv(clean, policy, options)).toBe(true);
      expect(Object.entries(sanitizeEnv(clean, policy, options))).toEqual(Object.entries(clean));
    }
    expect(removals).toBeGreaterThan(100);
  },
);
