/**
 * - `invalid-option`: an option has a value that could not work.
 */
export type HealthErrorCode = 'invalid-option';

export class HealthError extends Error {
  override readonly name = 'HealthError';
  readonly code: HealthErrorCode;

  constructor(code: HealthErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** By name: holds across the ESM and the CommonJS copy of this package, where `instanceof` does not. */
export const isHealthError = (value: unknown): value is HealthError =>
  value instanceof Error && value.name === 'HealthError';
