import { isJournalError, type JournalErrorCode } from './journal.js';

/**
 * - `duplicate`: a live row has this session and name, or this very process, or the row is registered already.
 * - `unknown-row`: there is no row of this id.
 * - `row-ended`: the process was reported as ended before it was registered.
 * - `bad-pid`: not the pid of a process that may be somebody's child: 0, 1, negative, fractional, this process, its parent.
 * - `bad-value`: the row is not of the shape that is kept, for example `envKeys` with values in them.
 * - `write-failed`: the change is not on disk and was not made; see `cause`.
 * - `closed`: the registry was closed before.
 * - `newer-schema`, `open-failed`: see JournalError.
 */
export type ProcessRegistryErrorCode = 'duplicate' | 'unknown-row' | 'row-ended' | 'bad-pid' | JournalErrorCode;

export class ProcessRegistryError extends Error {
  override readonly name = 'ProcessRegistryError';
  readonly code: ProcessRegistryErrorCode;

  constructor(code: ProcessRegistryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** By name: holds across the ESM and the CommonJS copy of this package, where `instanceof` does not. */
export const isProcessRegistryError = (value: unknown): value is ProcessRegistryError =>
  value instanceof Error && value.name === 'ProcessRegistryError';

/** The journal's errors as the registry's; every other one as it is. */
export const toRegistryError = (error: unknown): unknown =>
  isJournalError(error) ? new ProcessRegistryError(error.code, error.message, { cause: error }) : error;
