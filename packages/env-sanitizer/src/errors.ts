/**
 * - `invalid-policy`: a policy has an unknown list, or a rule in it could not work as written.
 */
export type EnvPolicyErrorCode = 'invalid-policy';

export class EnvPolicyError extends Error {
  override readonly name = 'EnvPolicyError';
  readonly code: EnvPolicyErrorCode;

  constructor(code: EnvPolicyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** By name: holds across the ESM and the CommonJS copy of this package, where `instanceof` does not. */
export const isEnvPolicyError = (value: unknown): value is EnvPolicyError =>
  value instanceof Error && value.name === 'EnvPolicyError';
