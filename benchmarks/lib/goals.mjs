import { rounded } from './statistics.mjs';

/** Not met and not measured are different things: `met` is null for the latter. */
const goal = (text, value, isMet) => ({
  text,
  met: value === null || value === undefined || Number.isNaN(value) ? null : isMet(value),
  value: value === undefined || Number.isNaN(value) ? null : rounded(value),
});

/** A goal with a bound from above. */
export const atMost = (text, value, bound) => goal(text, value, (measured) => measured <= bound);

/** A goal with a bound from below. */
export const atLeast = (text, value, bound) => goal(text, value, (measured) => measured >= bound);

/** The worst of several values, or null if one of them is missing: a goal for every size is not met by the sizes that ran. */
export const worst = (values) =>
  values.length === 0 || values.some((value) => value === null || value === undefined) ? null : Math.max(...values);

/** The row of a case and a peer; `figure` is the benchmark's first one unless said otherwise. */
export const rowOf = (rows, wanted) =>
  rows.find(
    (row) =>
      row.case === wanted.case &&
      row.peer === wanted.peer &&
      (wanted.figure === undefined || row.figure === wanted.figure),
  );
