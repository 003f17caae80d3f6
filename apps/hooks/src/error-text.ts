/** What a caught value says of itself. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether a caught value is the file system's "there is no such file". */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
