import type { EnvOptions } from './environment.js';
import type { EnvPolicy, Rule } from './policy.js';

export type Match =
  | { readonly kind: 'exact' | 'prefix'; readonly rule: Rule }
  | { readonly kind: 'pattern'; readonly rule: Rule<RegExp> };

type Find = (name: string) => Match | undefined;

// ASCII alone: `toUpperCase` would also make an S of U+017F, and so take away a variable that Windows holds distinct.
const fold = (name: string): string => name.replace(/[a-z]+/g, (letters) => letters.toUpperCase());

const foldNames = (rules: readonly Rule[]): Rule[] => rules.map((rule) => ({ ...rule, match: fold(rule.match) }));

const foldPatterns = (rules: readonly Rule<RegExp>[]): Rule<RegExp>[] =>
  rules.map((rule) => ({ ...rule, match: new RegExp(rule.match, `${rule.match.flags.replace('i', '')}i`) }));

const createFind = (
  caseless: boolean,
  ...lists: readonly [exact: readonly Rule[], prefixes: readonly Rule[], patterns: readonly Rule<RegExp>[]]
): Find => {
  const [exact, prefixes, patterns] = caseless
    ? [foldNames(lists[0]), foldNames(lists[1]), foldPatterns(lists[2])]
    : lists;
  const byName = new Map(exact.map((rule) => [rule.match, rule]));
  return (name) => {
    const named = byName.get(name);
    if (named !== undefined) return { kind: 'exact', rule: named };
    for (const rule of prefixes) if (name.startsWith(rule.match)) return { kind: 'prefix', rule };
    // `search` and not `test`: it neither reads nor leaves a position in a pattern with the g flag.
    for (const rule of patterns) if (name.search(rule.match) >= 0) return { kind: 'pattern', rule };
    return undefined;
  };
};

/** The one predicate of this package: the rule that takes a name away, or `undefined` when it stays. */
export const createMatcher = (policy: EnvPolicy, { platform }: EnvOptions): Find => {
  const caseless = platform === 'win32';
  const denies = createFind(caseless, policy.exact, policy.prefixes, policy.patterns);
  // Made when first needed: few environments hold a denied name, and this half of a policy is the long one.
  let keeps: Find | undefined;
  return (key) => {
    const name = caseless ? fold(key) : key;
    const denied = denies(name);
    if (denied === undefined) return undefined;
    keeps ??= createFind(caseless, policy.preserve, policy.preservePrefixes, policy.preservePatterns);
    return keeps(name) === undefined ? denied : undefined;
  };
};
