/**
 * - `newer-schema`: a file was written by a newer version; nothing was touched.
 * - `open-failed`: the directory or a file could not be made, read or repaired; see `cause`.
 * - `write-failed`: the change is not on disk and was not made in memory either; see `cause`. It may be tried again.
 * - `bad-value`: `validate` refused the value, or it cannot be written as JSON.
 * - `closed`: the journal was closed before.
 */
export type JournalErrorCode = 'newer-schema' | 'open-failed' | 'write-failed' | 'bad-value' | 'closed';

export class JournalError extends Error {
  override readonly name = 'JournalError';
  readonly code: JournalErrorCode;

  constructor(code: JournalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** By name: holds across the ESM and the CommonJS copy of this package, where `instanceof` does not. */
export const isJournalError = (value: unknown): value is JournalError =>
  value instanceof Error && value.name === 'JournalError';

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const errnoOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
