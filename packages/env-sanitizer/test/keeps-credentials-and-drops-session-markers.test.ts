import { describe, expect, it } from 'vitest';
import { claudeCodePolicy, isCleanEnv, sanitizeEnv } from '../src/index.js';

const goes = (key: string): void => expect(sanitizeEnv({ [key]: 'x', PATH: '/bin' })).toEqual({ PATH: '/bin' });
const stays = (key: string): void => {
  expect(sanitizeEnv({ [key]: 'x' })).toEqual({ [key]: 'x' });
  expect(isCleanEnv({ [key]: 'x' })).toBe(true);
};

describe('S2, field failure 56: markers of the session are gone', () => {
  it.each([
    'CLAUDECODE',
    'CLAUDE_CODE_SESSION',
    'CLAUDE_CODE_ENTRYPOINT',
    'MCP_SESSION_ID',
    'CLAUDECODE_',
    'CLAUDECODE_ANYTHING',
    'CLAUDE_CODE_',
    'CLAUDE_CODE_SESSION_ID',
    'CLAUDE_CODE_CHILD_SESSION',
    'CLAUDE_CODE_REMOTE',
    'CLAUDE_CODE_MESSAGING_SOCKET',
    'CLAUDE_CODE_MESSAGING_TOKEN',
    'CLAUDE_CODE_BRIDGE_SESSION_ID',
  ])('%s', goes);
});

describe('names that only look like markers stay', () => {
  it.each(['CLAUDECODEX', 'MY_CLAUDE_CODE_SESSION', 'MCP_SESSION_ID_2', 'CLAUDE_CODE', 'claudecode', 'CLAUDE', 'PATH'])(
    '%s',
    stays,
  );
});

describe('field failure 57: credentials, Git Bash and the configuration directory stay', () => {
  it.each(['CLAUDE_CODE_OAUTH_TOKEN', 'CLAUDE_CODE_GIT_BASH_PATH', 'CLAUDE_CONFIG_DIR', 'ANTHROPIC_API_KEY'])(
    '%s',
    stays,
  );
});

describe('field failure 57: what resembles a preserved name is not preserved', () => {
  it.each([
    'CLAUDE_CODE_OAUTH_TOKEN_2',
    'CLAUDE_CODE_USE_BEDROC',
    'CLAUDE_CODE_SKIP__AUTH_',
    'CLAUDE_CODE_SKIP_AUTH',
    'CLAUDE_CODE_SKIP_VERTEX_AUTHX',
    'CLAUDE_CODE_npm_config_proxy',
    'CLAUDE_CODE_AWS_REGION',
    'CLAUDE_CODE_HTTP_PROXY',
  ])('%s', goes);
});

describe('field failure 58: every provider’s switches and credentials stay', () => {
  it.each([
    'CLAUDE_CODE_USE_BEDROCK',
    'CLAUDE_CODE_USE_VERTEX',
    'CLAUDE_CODE_USE_FOUNDRY',
    'CLAUDE_CODE_SKIP_BEDROCK_AUTH',
    'CLAUDE_CODE_SKIP_VERTEX_AUTH',
    'CLAUDE_CODE_SKIP_FOUNDRY_AUTH',
    'AWS_ACCESS_KEY_ID',
    'AWS_PROFILE',
    'ANTHROPIC_BEDROCK_BASE_URL',
    'ANTHROPIC_VERTEX_PROJECT_ID',
    'CLOUD_ML_REGION',
    'GOOGLE_APPLICATION_CREDENTIALS',
  ])('%s', stays);
});

describe('field failure 59: proxies stay, in both cases, and npm’s', () => {
  it.each([
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'NO_PROXY',
    'http_proxy',
    'https_proxy',
    'all_proxy',
    'no_proxy',
    'npm_config_proxy',
    'npm_config_https_proxy',
    'npm_config_noproxy',
    'NPM_CONFIG_HTTP_PROXY',
  ])('%s', stays);
});

describe('preserve beats deny, for every rule of the preserve lists', () => {
  // Today few of these names would be denied anyway, so the lists are tried against a policy that denies everything.
  const denyAll = { ...claudeCodePolicy, patterns: [{ match: /^/, reason: 'everything' }] };
  const examples: Readonly<Record<string, string>> = {
    AWS_: 'AWS_REGION',
    ANTHROPIC_: 'ANTHROPIC_BASE_URL',
    '/^CLAUDE_CODE_SKIP_\\w+_AUTH$/': 'CLAUDE_CODE_SKIP_VERTEX_AUTH',
    '/^npm_config_.*proxy$/i': 'npm_config_https_proxy',
  };
  const { preserve, preservePrefixes, preservePatterns } = claudeCodePolicy;
  const families = [...preservePrefixes, ...preservePatterns].map(({ match }) => examples[`${match}`] ?? `${match}?`);
  it.each([...preserve.map(({ match }) => match), ...families])('%s', (key) => {
    expect(sanitizeEnv({ [key]: 'x', OTHER: 'x' }, denyAll)).toEqual({ [key]: 'x' });
  });
});
