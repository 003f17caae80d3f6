/** The stable codes of error bodies, with the status each is answered with. */
export const ERROR_STATUS = {
  BAD_HOST: 403,
  BAD_ORIGIN: 403,
  UNAUTHORIZED: 401,
  BAD_HANDSHAKE: 401,
  NOT_FOUND: 404,
  SESSION_NOT_FOUND: 404,
  PROCESS_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  ALREADY_OURS: 409,
  DUPLICATE_NAME: 409,
  SESSION_ENDED: 409,
  STOPPING: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  BAD_JSON: 400,
  BAD_REQUEST: 400,
  INVALID: 422,
  CANNOT_SPAWN: 422,
  NOT_ADOPTABLE: 422,
  NOT_IN_THIS_VERSION: 422,
  INTERNAL: 500,
  NO_SLOT: 503,
  UNAVAILABLE: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** Something a caller asked for that cannot be done, as it will be told. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
  readonly code: ErrorCode;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { details?: unknown } = {}) {
    super(message, options);
    this.code = code;
    this.details = options.details;
  }
}

export const isWorkerError = (value: unknown): value is WorkerError =>
  value instanceof Error && value.name === 'WorkerError';

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
