/**
 * - `unsupported-platform`: this version has no adapter for the platform.
 * - `unreadable-proc`: `/proc` could not be read for a reason that is not the process's own, such as EMFILE. A listing
 *   with holes would pass for a set that has emptied, so there is none.
 * - `ps-failed`: `ps` could not be run, did not end in time, failed, wrote too much, or listed nothing (systems other than Linux and Windows).
 * - `cim-failed`: the same of the CIM query (Windows), or its answer made no sense.
 */
export type ProcessTableErrorCode = 'unsupported-platform' | 'unreadable-proc' | 'ps-failed' | 'cim-failed';

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
