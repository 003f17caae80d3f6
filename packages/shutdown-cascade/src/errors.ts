/**
 * - `spawn-failed`: the command could not be started; `errno` says why (`ENOENT`, `EACCES`, …).
 * - `containment-failed`: the tier that was asked for does not work, or the child could not join its cgroup.
 * - `stopping`: the scope is being stopped, or was: nothing can be added to it any more.
 * - `not-found`: there is no such process to adopt.
 */
export type ShutdownCascadeErrorCode = 'spawn-failed' | 'containment-failed' | 'stopping' | 'not-found';

export class ShutdownCascadeError extends Error {
  override readonly name = 'ShutdownCascadeError';
  readonly code: ShutdownCascadeErrorCode;
  /** The system's error code, for `spawn-failed`. */
  readonly errno: string | undefined;

  constructor(code: ShutdownCascadeErrorCode, message: string, options: ErrorOptions & { errno?: string } = {}) {
    super(message, options);
    this.code = code;
    this.errno = options.errno;
  }
}

/** By name: holds across the ESM and the CommonJS copy of this package, where `instanceof` does not. */
export const isShutdownCascadeError = (value: unknown): value is ShutdownCascadeError =>
  value instanceof Error && value.name === 'ShutdownCascadeError';
