import { type EnvPolicy, freezePolicy } from './policy.js';

/**
 * For the children of an agent session: they lose what marks them as part of that session, and keep credentials,
 * provider switches, the Git Bash path, the configuration directory and the proxies.
 */
export const claudeCodePolicy: EnvPolicy = /* @__PURE__ */ freezePolicy({
  exact: [
    { match: 'CLAUDECODE', reason: 'marks a child of a session', fieldFailure: 56 },
    { match: 'CLAUDE_CODE_SESSION', reason: 'names the session', fieldFailure: 56 },
    { match: 'CLAUDE_CODE_ENTRYPOINT', reason: 'says how the session was started', fieldFailure: 56 },
    { match: 'MCP_SESSION_ID', reason: 'names the session of an MCP client', fieldFailure: 56 },
  ],
  prefixes: [
    { match: 'CLAUDECODE_', reason: 'state of the session', fieldFailure: 56 },
    { match: 'CLAUDE_CODE_', reason: 'state of the session', fieldFailure: 56 },
  ],
  patterns: [],
  preserve: [
    { match: 'CLAUDE_CODE_OAUTH_TOKEN', reason: 'credential', fieldFailure: 57 },
    { match: 'CLAUDE_CODE_GIT_BASH_PATH', reason: 'path of Git Bash on Windows', fieldFailure: 57 },
    { match: 'CLAUDE_CODE_USE_BEDROCK', reason: 'provider switch', fieldFailure: 58 },
    { match: 'CLAUDE_CODE_USE_VERTEX', reason: 'provider switch', fieldFailure: 58 },
    { match: 'CLAUDE_CODE_USE_FOUNDRY', reason: 'provider switch', fieldFailure: 58 },
    { match: 'CLAUDE_CONFIG_DIR', reason: 'configuration directory' },
    { match: 'CLOUD_ML_REGION', reason: 'provider region', fieldFailure: 58 },
    { match: 'GOOGLE_APPLICATION_CREDENTIALS', reason: 'credential', fieldFailure: 58 },
    { match: 'HTTP_PROXY', reason: 'proxy', fieldFailure: 59 },
    { match: 'HTTPS_PROXY', reason: 'proxy', fieldFailure: 59 },
    { match: 'ALL_PROXY', reason: 'proxy', fieldFailure: 59 },
    { match: 'NO_PROXY', reason: 'proxy', fieldFailure: 59 },
    { match: 'http_proxy', reason: 'proxy', fieldFailure: 59 },
    { match: 'https_proxy', reason: 'proxy', fieldFailure: 59 },
    { match: 'all_proxy', reason: 'proxy', fieldFailure: 59 },
    { match: 'no_proxy', reason: 'proxy', fieldFailure: 59 },
  ],
  preservePrefixes: [
    { match: 'AWS_', reason: 'provider credentials and region', fieldFailure: 58 },
    { match: 'ANTHROPIC_', reason: 'provider credentials and addresses', fieldFailure: 58 },
  ],
  preservePatterns: [
    { match: /^CLAUDE_CODE_SKIP_\w+_AUTH$/, reason: 'provider switch', fieldFailure: 58 },
    // npm itself reads these names in any case.
    { match: /^npm_config_.*proxy$/i, reason: 'proxy', fieldFailure: 59 },
  ],
});

const names = (list: 'exact' | 'prefixes' | 'preserve'): readonly string[] =>
  Object.freeze(claudeCodePolicy[list].map(({ match }) => match));

/** The prefixes `claudeCodePolicy` takes away. */
export const ENV_PREFIXES: readonly string[] = /* @__PURE__ */ names('prefixes');
/** The names `claudeCodePolicy` takes away. */
export const ENV_EXACT_MATCHES: readonly string[] = /* @__PURE__ */ names('exact');
/** The names `claudeCodePolicy` keeps in any case; whole families are in its `preservePrefixes` and `preservePatterns`. */
export const ENV_PRESERVE: readonly string[] = /* @__PURE__ */ names('preserve');
