export interface Counted {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly string[];
}
export function countResults(file: string, exitCode: number, root: string): Counted;
