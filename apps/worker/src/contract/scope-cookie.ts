/**
 * The value of `CM_SCOPE` in a child's environment: who it belongs to, and the data directory of the worker that owns it, so
 * that a hook inside our own child knows to do nothing (field failure 61).
 */
export const scopeCookie = (unique: string, dataDirectory: string): string => `${unique}@${dataDirectory}`;

/** Whether a value of `CM_SCOPE` names that data directory (both real paths). */
export const namesDataDirectory = (cookie: string | undefined, dataDirectory: string): boolean =>
  cookie !== undefined && cookie.slice(cookie.indexOf('@') + 1) === dataDirectory;
