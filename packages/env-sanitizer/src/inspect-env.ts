import { claudeCodePolicy } from './claude-code-policy.js';
import type { Environment, EnvOptions } from './environment.js';
import { createMatcher } from './match-key.js';
import type { EnvPolicy, Rule } from './policy.js';

export interface RemovedKey {
  readonly key: string;
  /** The first rule that takes it away; a pattern is given as text, `/…/flags`. On `win32` names and flags are case-folded. */
  readonly rule: Rule & { readonly kind: 'exact' | 'prefix' | 'pattern' };
}

export interface EnvInspection {
  /** The names `sanitizeEnv` would keep, in order. */
  readonly kept: string[];
  /** The names it would take away, in order, and why. */
  readonly removed: RemovedKey[];
}

/** What `sanitizeEnv` would do, by names alone: no value is ever part of the answer. Variables that are `undefined` are in neither list. */
export const inspectEnv = (
  env: Environment,
  policy: EnvPolicy = claudeCodePolicy,
  options: EnvOptions = {},
): EnvInspection => {
  const removes = createMatcher(policy, options);
  const kept: string[] = [];
  const removed: RemovedKey[] = [];
  for (const key of Object.keys(env)) {
    if (env[key] === undefined) continue;
    const match = removes(key);
    if (match === undefined) kept.push(key);
    else removed.push({ key, rule: { ...match.rule, match: `${match.rule.match}`, kind: match.kind } });
  }
  return { kept, removed };
};

/** Whether `sanitizeEnv` would take nothing away. */
export const isCleanEnv = (env: Environment, policy?: EnvPolicy, options?: EnvOptions): boolean =>
  inspectEnv(env, policy, options).removed.length === 0;
