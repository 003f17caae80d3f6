import { EnvPolicyError } from './errors.js';
import { mergePolicies } from './merge-policies.js';
import type { EnvPolicy, Rule } from './policy.js';

const LISTS: Readonly<Record<keyof EnvPolicy, true>> = {
  exact: true,
  prefixes: true,
  patterns: true,
  preserve: true,
  preservePrefixes: true,
  preservePatterns: true,
};

const refuse = (message: string): never => {
  throw new EnvPolicyError('invalid-policy', message);
};

const copyRule = <Match extends string | RegExp>(rule: Rule<Match>, match: Match): Rule<Match> => ({
  match,
  reason:
    typeof rule.reason === 'string' && rule.reason !== '' ? rule.reason : refuse(`the rule for ${match} has no reason`),
  ...(rule.fieldFailure === undefined ? {} : { fieldFailure: rule.fieldFailure }),
});

const copyNames = (list: keyof EnvPolicy, rules: readonly Rule[] = []): Rule[] =>
  rules.map((rule) => {
    const { match } = rule;
    if (typeof match !== 'string') return refuse(`${list}: a match must be a string`);
    // An empty prefix would match everything. Names of variables hold no NUL, and "=" only in front, as in "=C:".
    if (match === '' || match.includes('\0') || match.includes('=', 1)) {
      return refuse(`${list}: ${JSON.stringify(match)} cannot be the name of a variable`);
    }
    return copyRule(rule, match);
  });

const copyPatterns = (list: keyof EnvPolicy, rules: readonly Rule<RegExp>[] = []): Rule<RegExp>[] =>
  rules.map((rule) => {
    const { match } = rule;
    if (!(match instanceof RegExp)) return refuse(`${list}: a match must be a RegExp`);
    // The flags g and y give a pattern a memory, and its answer would depend on the one before.
    return copyRule(rule, new RegExp(match.source, match.flags.replace(/[gy]/g, '')));
  });

/**
 * Checks a policy and returns a frozen copy of it: missing lists are empty, duplicates are dropped, patterns lose the
 * flags g and y. Throws `EnvPolicyError` with code `invalid-policy` for an unknown list, a rule without a reason, a
 * name that no variable can have, or a match of the wrong type.
 */
export const definePolicy = (policy: Partial<EnvPolicy>): EnvPolicy => {
  for (const list of Object.keys(policy)) {
    if (!Object.hasOwn(LISTS, list)) refuse(`a policy has no list ${JSON.stringify(list)}`);
  }
  return mergePolicies({
    exact: copyNames('exact', policy.exact),
    prefixes: copyNames('prefixes', policy.prefixes),
    patterns: copyPatterns('patterns', policy.patterns),
    preserve: copyNames('preserve', policy.preserve),
    preservePrefixes: copyNames('preservePrefixes', policy.preservePrefixes),
    preservePatterns: copyPatterns('preservePatterns', policy.preservePatterns),
  });
};
