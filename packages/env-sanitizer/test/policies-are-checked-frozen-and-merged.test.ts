import { describe, expect, it } from 'vitest';
import {
  claudeCodePolicy,
  daemonPolicy,
  definePolicy,
  ENV_EXACT_MATCHES,
  ENV_PREFIXES,
  ENV_PRESERVE,
  type EnvPolicy,
  isEnvPolicyError,
  mergePolicies,
  sanitizeEnv,
} from '../src/index.js';

const rule = <Match extends string | RegExp>(match: Match): { match: Match; reason: string } => ({
  match,
  reason: 'test',
});

const lists = (policy: EnvPolicy): (readonly object[])[] => [
  policy.exact,
  policy.prefixes,
  policy.patterns,
  policy.preserve,
  policy.preservePrefixes,
  policy.preservePatterns,
];

describe('R3: one list of names, exported', () => {
  it('holds what claudeCodePolicy does', () => {
    expect(ENV_PREFIXES).toEqual(['CLAUDECODE_', 'CLAUDE_CODE_']);
    expect(ENV_EXACT_MATCHES).toEqual([
      'CLAUDECODE',
      'CLAUDE_CODE_SESSION',
      'CLAUDE_CODE_ENTRYPOINT',
      'MCP_SESSION_ID',
    ]);
    expect(ENV_PRESERVE).toEqual(claudeCodePolicy.preserve.map(({ match }) => match));
  });
  it.each([claudeCodePolicy, daemonPolicy, definePolicy({}), mergePolicies()])('cannot be changed', (policy) => {
    expect(Object.isFrozen(policy)).toBe(true);
    for (const list of lists(policy)) {
      expect(Object.isFrozen(list)).toBe(true);
      for (const entry of list) expect(Object.isFrozen(entry)).toBe(true);
    }
    for (const list of [ENV_PREFIXES, ENV_EXACT_MATCHES, ENV_PRESERVE]) expect(Object.isFrozen(list)).toBe(true);
  });
  it('says a reason for every rule', () => {
    for (const entry of lists(daemonPolicy).flat())
      expect(entry).toHaveProperty('reason', expect.stringMatching(/^\S.+/));
  });
});

describe('definePolicy', () => {
  it('copies, fills in missing lists and drops duplicates, the first of which stays', () => {
    const given = { exact: [rule('A'), { match: 'A', reason: 'again' }, rule('B')] };
    const policy = definePolicy(given);
    expect(policy.exact).toEqual([rule('A'), rule('B')]);
    expect(policy.preserve).toEqual([]);
    expect(Object.isFrozen(given.exact[0])).toBe(false);
    expect(sanitizeEnv({ A: '', B: '', C: '' }, policy)).toEqual({ C: '' });
  });
  it('matches by a pattern anywhere in a name, and preserves by prefix', () => {
    const policy = definePolicy({ patterns: [rule(/SECRET/)], preservePrefixes: [rule('MY_')] });
    expect(sanitizeEnv({ A_SECRET_B: '', MY_SECRET: '', OTHER: '' }, policy)).toEqual({ MY_SECRET: '', OTHER: '' });
  });
  it('gives the same answer every time for a pattern with the flags g and y', () => {
    const policy = definePolicy({ patterns: [rule(/^A/g), rule(/B/gy)] });
    expect(policy.patterns.map(({ match }) => match.flags)).toEqual(['', '']);
    const handMade = { ...definePolicy({}), patterns: [rule(/^A/g)] };
    for (const each of [policy, handMade])
      expect(sanitizeEnv({ A1: '', A2: '', A3: '', C: '' }, each)).toEqual({ C: '' });
  });
  const bad: [string, unknown][] = [
    ['an empty name', { exact: [rule('')] }],
    ['an empty prefix, which would match everything', { prefixes: [rule('')] }],
    ['a name with =', { preserve: [rule('A=B')] }],
    ['a name with NUL', { exact: [rule('A\0')] }],
    ['an unknown list', { exacts: [rule('A')] }],
    ['a list named like a method', { toString: [] }],
    ['a rule without a reason', { exact: [{ match: 'A' }] }],
    ['a rule with an empty reason', { patterns: [{ match: /A/, reason: '' }] }],
    ['a pattern where a name belongs', { exact: [rule(/A/)] }],
    ['a name where a pattern belongs', { preservePatterns: [rule('A')] }],
  ];
  it.each(bad)('refuses %s', (_, policy) => {
    let thrown: unknown;
    try {
      definePolicy(policy as Partial<EnvPolicy>);
    } catch (error) {
      thrown = error;
    }
    expect(isEnvPolicyError(thrown)).toBe(true);
    expect(thrown).toHaveProperty('code', 'invalid-policy');
  });
  it('takes the hidden names of Windows', () => {
    expect(sanitizeEnv({ '=C:': '' }, definePolicy({ exact: [rule('=C:')] }))).toEqual({});
  });
});

describe('mergePolicies', () => {
  it('changes nothing when given nothing', () => {
    expect(sanitizeEnv({ CLAUDECODE: '1' }, mergePolicies())).toEqual({ CLAUDECODE: '1' });
  });
  it('adds up, and preserve beats deny whichever comes last', () => {
    const deny = definePolicy({ exact: [rule('A'), rule('B')] });
    const keep = definePolicy({ preserve: [rule('A')] });
    for (const policy of [mergePolicies(deny, keep), mergePolicies(keep, deny)]) {
      expect(sanitizeEnv({ A: '', B: '' }, policy)).toEqual({ A: '' });
    }
  });
  it('field failure 58: a user keeps one more name than we know of', () => {
    const policy = mergePolicies(claudeCodePolicy, definePolicy({ preserve: [rule('CLAUDE_CODE_USE_NEWCLOUD')] }));
    expect(sanitizeEnv({ CLAUDE_CODE_USE_NEWCLOUD: '1', CLAUDECODE: '1' }, policy)).toEqual({
      CLAUDE_CODE_USE_NEWCLOUD: '1',
    });
  });
  it('field failure 60: a type of child has its own profile, also against what is preserved', () => {
    const profile = definePolicy({ exact: [rule('ANTHROPIC_BASE_URL'), rule('VIRTUAL_ENV'), rule('CLAUDE_EFFORT')] });
    const env = { ANTHROPIC_BASE_URL: '', VIRTUAL_ENV: '', CLAUDE_EFFORT: '', CLAUDECODE: '', ANTHROPIC_API_KEY: 'k' };
    expect(sanitizeEnv(env, mergePolicies(claudeCodePolicy, profile))).toHaveProperty('ANTHROPIC_BASE_URL');
    expect(sanitizeEnv(sanitizeEnv(env), profile)).toEqual({ ANTHROPIC_API_KEY: 'k' });
  });
  it('leaves the given policies as they were', () => {
    const handMade = { ...definePolicy({}), exact: [rule('A')] };
    mergePolicies(handMade);
    expect(Object.isFrozen(handMade.exact)).toBe(false);
    expect(Object.isFrozen(handMade.exact[0])).toBe(false);
  });
});
