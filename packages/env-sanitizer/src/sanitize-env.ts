import { claudeCodePolicy } from './claude-code-policy.js';
import type { Environment, EnvOptions } from './environment.js';
import { createMatcher } from './match-key.js';
import type { EnvPolicy } from './policy.js';

/**
 * A new environment without what the policy takes away, in the order of the old one. Variables that are `undefined` are
 * left out. The input is not changed; only its own enumerable properties are read.
 */
export const sanitizeEnv = (
  env: Environment,
  policy: EnvPolicy = claudeCodePolicy,
  options: EnvOptions = {},
): Record<string, string> => {
  const removes = createMatcher(policy, options);
  const clean: Record<string, string> = {};
  for (const key of Object.keys(env)) {
    const value = env[key];
    if (value === undefined || removes(key)) continue;
    // Assigning to this one name would set the prototype, or nothing, and lose the variable.
    if (key === '__proto__') {
      Object.defineProperty(clean, key, { value, enumerable: true, configurable: true, writable: true });
    } else clean[key] = value;
  }
  return clean;
};
