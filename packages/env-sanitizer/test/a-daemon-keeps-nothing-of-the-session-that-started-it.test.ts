import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { claudeCodePolicy, daemonPolicy, type Environment, inspectEnv, isCleanEnv, sanitizeEnv } from '../src/index.js';

const ofTheDaemonAlone = [
  'CLAUDE_PID',
  'CLAUDE_PROJECT_DIR',
  'CLAUDE_ENV_FILE',
  'CLAUDE_EFFORT',
  'CLAUDE_PLUGIN_ROOT',
  'CLAUDE_PLUGIN_DATA',
  'CLAUDE_PLUGIN_OPTION_COLOUR',
  'TRACEPARENT',
  'CM_SCOPE',
];

it.each(ofTheDaemonAlone)('S2: %s stays for a child and goes for a daemon', (key) => {
  expect(isCleanEnv({ [key]: 'x' })).toBe(true);
  expect(sanitizeEnv({ [key]: 'x' }, daemonPolicy)).toEqual({});
});

it('S2: a daemon’s policy holds every rule of a child’s', () => {
  for (const list of ['exact', 'prefixes', 'patterns', 'preserve', 'preservePrefixes', 'preservePatterns'] as const) {
    expect(daemonPolicy[list]).toEqual(expect.arrayContaining([...claudeCodePolicy[list]]));
  }
});

it('keeps our settings, credentials and configuration for a daemon', () => {
  const env = {
    CM_DATA_DIR: '/d',
    CM_WORKER_PORT: '1',
    CLAUDE_CONFIG_DIR: '/c',
    CLAUDE_CODE_OAUTH_TOKEN: 't',
    PATH: '/',
  };
  expect(sanitizeEnv(env, daemonPolicy)).toEqual(env);
});

const fixtures = new URL('../../../examples/claude-code-session/fixtures/', import.meta.url);
const payloads = readdirSync(fixtures)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({
    name,
    env: (JSON.parse(readFileSync(new URL(name, fixtures), 'utf8')) as { env: Environment }).env,
  }));

it('finds the recorded payloads', () => expect(payloads.map(({ name }) => name)).toContain('SessionStart.json'));

describe.each(payloads)('field failure 56: the environment of a recorded $name', ({ env }) => {
  it('loses its session markers for a child', () => {
    const { kept, removed } = inspectEnv({ PATH: '/bin', ...env });
    expect(removed.map(({ key }) => key).sort()).toEqual([
      'CLAUDECODE',
      'CLAUDE_CODE_CHILD_SESSION',
      'CLAUDE_CODE_ENTRYPOINT',
      'CLAUDE_CODE_SESSION_ID',
    ]);
    expect(kept).toContain('CLAUDE_PROJECT_DIR');
  });
  it('loses everything the agent set for a daemon', () => {
    expect(sanitizeEnv({ PATH: '/bin', ...env, HOME: '/h' }, daemonPolicy)).toEqual({ PATH: '/bin', HOME: '/h' });
  });
});
