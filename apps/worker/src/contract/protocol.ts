/** What client and worker agree on. Raised when one of them would misunderstand the other. */
export const PROTOCOL = 1;

/** Session ids are opaque text of at most this many bytes in UTF-8. */
export const SESSION_ID_MAX_BYTES = 256;

/** The largest request body the worker reads. */
export const BODY_LIMIT_BYTES: number = 5 * 1024 * 1024;

/** The port a worker prefers when nothing else was asked for. */
export const DEFAULT_PORT = 37777;

/** Where the mutual proof takes place. By itself, so that a hook that knows this route carries no other. */
export const HANDSHAKE_PATH = '/api/handshake';

/** The loopback literal: `localhost` may resolve to ::1 first and cost seconds (field failure 34). */
export const LOOPBACK = '127.0.0.1';
