export interface Summary {
  readonly n: number;
  readonly medianMs: number | null;
  readonly minMs: number | null;
  readonly maxMs: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}
export function median(samples: readonly number[]): number | null;
export function percentile(samples: readonly number[], share: number): number | null;
export function ratio(value: number | null, baseline: number | null | undefined): number | null;
export function summarize(samples: readonly number[]): Summary;
