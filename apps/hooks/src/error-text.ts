/** What a caught value says of itself. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether a caught value is an error of the system with that name, such as `ENOENT`. */
export const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
