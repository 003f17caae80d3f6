export interface LeftBehind {
  readonly pid: number;
  readonly command: string;
}
export const MARK: string;
export function leftBehind(mark: string): LeftBehind[];
export function reapLeftBehind(mark: string, graceMs: number): Promise<LeftBehind[]>;
