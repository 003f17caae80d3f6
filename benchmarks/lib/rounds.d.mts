export interface Sample {
  readonly failed?: string;
}
export interface Rounds<S extends Sample> {
  readonly peers: readonly string[];
  readonly fewest: number;
  readonly most: number;
  readonly budgetMs: number;
  readonly signal?: AbortSignal;
  readonly sample: (peer: string, round: number) => Promise<S>;
  readonly now?: () => number;
}
export function rotated<T>(items: readonly T[], round: number): T[];
export function runRounds<S extends Sample>(rounds: Rounds<S>): Promise<Map<string, S[]>>;
