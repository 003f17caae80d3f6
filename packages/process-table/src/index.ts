export { type Clock, systemClock } from './clock.js';
export { COOKIE_VARIABLE } from './cookie.js';
export { createProcessTable, type ProcessTableOptions } from './create-process-table.js';
export { descend } from './descend.js';
export { isProcessTableError, ProcessTableError, type ProcessTableErrorCode } from './errors.js';
export {
  type CookieEvidence,
  compareCookie,
  compareIdentity,
  type IdentityMatch,
  isTargetPid,
  type ProcessIdentity,
} from './identity.js';
export type { ListOptions, Lookup, ProcessRow, ProcessTable, SignalResult, Usage } from './process-table.js';
