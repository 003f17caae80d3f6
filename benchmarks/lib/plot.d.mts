export type Scale = 'log' | 'linear';
export interface PlotRow {
  readonly case: string;
  readonly peer: string;
  readonly medianMs: number | null;
  readonly minMs: number | null;
  readonly maxMs: number | null;
}
export function marksOf(values: readonly number[], scale: Scale): number[];
export function plotOf(plot: {
  readonly title: string;
  readonly rows: readonly PlotRow[];
  readonly scale?: Scale;
  readonly unit?: string;
}): string | undefined;
export function positionOf(value: number, marks: readonly number[], scale: Scale): number;
