import { claudeCodePolicy } from './claude-code-policy.js';
import { mergePolicies } from './merge-policies.js';
import { type EnvPolicy, freezePolicy } from './policy.js';

/**
 * For a daemon started from a session: `claudeCodePolicy`, and also what is true of that one session, plugin or trace but
 * not of a process that outlives them.
 */
export const daemonPolicy: EnvPolicy = /* @__PURE__ */ mergePolicies(
  claudeCodePolicy,
  /* @__PURE__ */ freezePolicy({
    exact: [
      { match: 'CLAUDE_PID', reason: 'pid of one session’s agent' },
      { match: 'CLAUDE_PROJECT_DIR', reason: 'project of one session' },
      { match: 'CLAUDE_ENV_FILE', reason: 'file of one session' },
      { match: 'CLAUDE_EFFORT', reason: 'setting of one session', fieldFailure: 60 },
      { match: 'TRACEPARENT', reason: 'trace of one request' },
      { match: 'CM_SCOPE', reason: 'scope of the process that started the daemon' },
    ],
    prefixes: [{ match: 'CLAUDE_PLUGIN_', reason: 'directories and options of one plugin version' }],
    patterns: [],
    preserve: [],
    preservePrefixes: [],
    preservePatterns: [],
  }),
);
