/**
 * - `released`: the handle was released; what it would write now could be its successor's.
 * - `invalid-record`: the fields do not make a record that a reader would accept.
 * - `publish-failed`: the file could not be written or put in place; `cause` has the errno.
 */
export type PidFileErrorCode = 'released' | 'invalid-record' | 'publish-failed';

export class PidFileError extends Error {
  override readonly name = 'PidFileError';
  readonly code: PidFileErrorCode;

  constructor(code: PidFileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** By name: holds across the ESM and the CommonJS copy of this package, where `instanceof` does not. */
export const isPidFileError = (value: unknown): value is PidFileError =>
  value instanceof Error && value.name === 'PidFileError';
