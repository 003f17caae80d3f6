export interface Facts {
  readonly title: string;
  readonly lines: readonly Readonly<Record<string, string | number | null | undefined>>[];
}
export function factsAsMarkdown(facts: Facts): string;
export function factsAsText(facts: Facts): string;
