export interface Goal {
  readonly text: string;
  readonly met: boolean | null;
  readonly value: number | null;
}
export function atLeast(text: string, value: number | null | undefined, bound: number): Goal;
export function atMost(text: string, value: number | null | undefined, bound: number): Goal;
export function worst(values: readonly (number | null | undefined)[]): number | null;
