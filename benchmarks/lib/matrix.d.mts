export interface MatrixRow {
  readonly case: string;
  readonly peer: string;
  /** Null where it was not measured. */
  readonly contained: boolean | null;
  readonly left: number | null;
  /** Whether it is part of the score. */
  readonly counts: boolean;
  readonly note?: string;
}
export interface Score {
  readonly peer: string;
  readonly contained: number;
  readonly all: number;
}
export function matrixAsMarkdown(rows: readonly MatrixRow[]): string;
export function matrixPlot(plot: { readonly title: string; readonly rows: readonly MatrixRow[] }): string | undefined;
export function scoresOf(rows: readonly MatrixRow[]): Score[];
