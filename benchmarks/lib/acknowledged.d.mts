export function lostOf(what: {
  readonly seeds: number;
  readonly said: ReadonlyMap<number, string>;
  readonly found: readonly (readonly [number, string])[];
}): number[];
export function parseSaid(text: string): Map<number, string>;
