/** One entry of a policy: what it matches, and why it is there. */
export interface Rule<Match extends string | RegExp = string> {
  readonly match: Match;
  /** For people: shown by reports, never compared. */
  readonly reason: string;
  /** The row of the project's catalogue of field failures that this entry answers, where there is one. */
  readonly fieldFailure?: number;
}

/**
 * What is taken out of an environment, and what stays whatever the rest says: a name that a `preserve…` list matches is
 * kept even if `exact`, `prefixes` or `patterns` match it too.
 */
export interface EnvPolicy {
  readonly exact: readonly Rule[];
  readonly prefixes: readonly Rule[];
  readonly patterns: readonly Rule<RegExp>[];
  readonly preserve: readonly Rule[];
  readonly preservePrefixes: readonly Rule[];
  readonly preservePatterns: readonly Rule<RegExp>[];
}

const freezeRules = <Match extends string | RegExp>(rules: readonly Rule<Match>[]): readonly Rule<Match>[] =>
  Object.freeze(rules.map((rule) => Object.freeze({ ...rule })));

/** A copy whose lists and rules are frozen. Patterns are shared: nothing a caller can set on one changes what it matches. */
export const freezePolicy = (policy: EnvPolicy): EnvPolicy =>
  Object.freeze({
    exact: freezeRules(policy.exact),
    prefixes: freezeRules(policy.prefixes),
    patterns: freezeRules(policy.patterns),
    preserve: freezeRules(policy.preserve),
    preservePrefixes: freezeRules(policy.preservePrefixes),
    preservePatterns: freezeRules(policy.preservePatterns),
  });
