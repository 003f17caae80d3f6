export interface Facts {
  readonly title: string;
  readonly columns: readonly string[];
  readonly lines: readonly (readonly (string | number | null | undefined)[])[];
}
export function factsAsMarkdown(facts: Facts): string;
export function factsAsText(facts: Facts): string;
