/** No document that anybody means nests deeper. */
export const MOST_LEVELS = 500;

const nested = (value: unknown): object[] =>
  Object.values(value ?? {}).filter((inner): inner is object => typeof inner === 'object' && inner !== null);

/**
 * Whether a parsed JSON document nests deeper than so many levels. What is far deeper can be read but not written again: JSON.stringify
 * recurses, and overflows the stack after some thousand levels.
 */
export const nestsDeeperThan = (document: unknown, levels: number): boolean => {
  let level = nested([document]);
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > levels) return true;
    level = level.flatMap(nested);
  }
  return false;
};
