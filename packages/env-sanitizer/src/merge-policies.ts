import { type EnvPolicy, freezePolicy, type Rule } from './policy.js';

const merge = <Match extends string | RegExp>(lists: (readonly Rule<Match>[])[]): Rule<Match>[] => {
  const byText = new Map<string, Rule<Match>>();
  for (const rule of lists.flat()) {
    const text = `${rule.match}`;
    if (!byText.has(text)) byText.set(text, rule);
  }
  return [...byText.values()];
};

/**
 * One policy that takes away what any of the given ones takes away and keeps what any of them preserves. Of two equal
 * rules the first stays. Without arguments: the policy that changes nothing.
 *
 * A preserved name cannot be merged away; to remove it, apply a second policy to the first one's result.
 */
export const mergePolicies = (...policies: readonly EnvPolicy[]): EnvPolicy =>
  freezePolicy({
    exact: merge(policies.map(({ exact }) => exact)),
    prefixes: merge(policies.map(({ prefixes }) => prefixes)),
    patterns: merge(policies.map(({ patterns }) => patterns)),
    preserve: merge(policies.map(({ preserve }) => preserve)),
    preservePrefixes: merge(policies.map(({ preservePrefixes }) => preservePrefixes)),
    preservePatterns: merge(policies.map(({ preservePatterns }) => preservePatterns)),
  });
