/**
 * - `unsupported-platform`: this version has no adapter for the platform.
 * - `unreadable-proc`: `/proc` could not be read for a reason that is not the process's own, such as EMFILE. A listing
 *   with holes would pass for a set that has emptied, so there is none.
 */
export type ProcessTableErrorCode = 'unsupported-platform' | 'unreadable-proc';

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
