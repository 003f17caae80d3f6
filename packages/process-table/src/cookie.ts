/** The environment variable that marks every process a scope started, and is inherited by what those start. */
export const COOKIE_VARIABLE = 'CM_SCOPE';
