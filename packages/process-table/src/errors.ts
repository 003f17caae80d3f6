/**
 * - `unsupported-platform`: this version has no adapter for the platform.
 */
export type ProcessTableErrorCode = 'unsupported-platform';

export class ProcessTableError extends Error {
  override readonly name = 'ProcessTableError';
  readonly code: ProcessTableErrorCode;

  constructor(code: ProcessTableErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** By name: holds across the ESM and the CommonJS copy of this package, where `instanceof` does not. */
export const isProcessTableError = (value: unknown): value is ProcessTableError =>
  value instanceof Error && value.name === 'ProcessTableError';
