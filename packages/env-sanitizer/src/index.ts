export { claudeCodePolicy, ENV_EXACT_MATCHES, ENV_PREFIXES, ENV_PRESERVE } from './claude-code-policy.js';
export { daemonPolicy } from './daemon-policy.js';
export { definePolicy } from './define-policy.js';
export type { Environment, EnvOptions } from './environment.js';
export { EnvPolicyError, type EnvPolicyErrorCode, isEnvPolicyError } from './errors.js';
export { type EnvInspection, inspectEnv, isCleanEnv, type RemovedKey } from './inspect-env.js';
export { mergePolicies } from './merge-policies.js';
export type { EnvPolicy, Rule } from './policy.js';
export { sanitizeEnv } from './sanitize-env.js';
