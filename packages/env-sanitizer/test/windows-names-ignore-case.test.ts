import { describe, expect, it } from 'vitest';
import { claudeCodePolicy, daemonPolicy, definePolicy, inspectEnv, isCleanEnv, sanitizeEnv } from '../src/index.js';

const win32 = { platform: 'win32' };
const env = {
  claudecode: '1',
  Claude_Code_Session_Id: '1',
  mcp_session_id: '1',
  claude_code_oauth_token: '1',
  Claude_Code_Skip_Bedrock_Auth: '1',
  Http_Proxy: '1',
  Path: '1',
  '=C:': 'C:\\',
};

it('on win32 markers go and preserved names stay in any case, spelled as they were', () => {
  expect(Object.keys(sanitizeEnv(env, claudeCodePolicy, win32))).toEqual([
    'claude_code_oauth_token',
    'Claude_Code_Skip_Bedrock_Auth',
    'Http_Proxy',
    'Path',
    '=C:',
  ]);
});

it('reports the names as they were spelled', () => {
  const { removed } = inspectEnv(env, claudeCodePolicy, win32);
  expect(removed.map(({ key, rule }) => [key, rule.match])).toEqual([
    ['claudecode', 'CLAUDECODE'],
    ['Claude_Code_Session_Id', 'CLAUDE_CODE_'],
    ['mcp_session_id', 'MCP_SESSION_ID'],
  ]);
});

it('holds for the daemon’s policy', () => {
  expect(sanitizeEnv({ Cm_Scope: '1', claude_plugin_root: '1' }, daemonPolicy, win32)).toEqual({});
});

it.each([undefined, {}, { platform: 'linux' }, { platform: 'darwin' }])('elsewhere case counts: %j', (options) => {
  expect(sanitizeEnv(env, claudeCodePolicy, options)).toEqual(env);
});

describe('only ASCII is folded', () => {
  it.each(['MCP_ſESSION_ID', 'CLAUDECODE_K', 'clıudecode'])('%s', (key) => {
    const dropped = key.startsWith('CLAUDECODE_');
    expect(isCleanEnv({ [key]: '1' }, claudeCodePolicy, win32)).toBe(!dropped);
  });
});

it('folds custom lower-case rules and patterns with flags of their own', () => {
  const policy = definePolicy({
    exact: [{ match: 'lower', reason: 'test' }],
    prefixes: [{ match: 'pre_', reason: 'test' }],
    patterns: [{ match: /^mid.+end$/isu, reason: 'test' }],
    preservePatterns: [{ match: /keep/, reason: 'test' }],
  });
  expect(sanitizeEnv({ LOWER: '', PRE_X: '', MIDxEND: '', PRE_KEEP: '' }, policy, win32)).toEqual({ PRE_KEEP: '' });
});
