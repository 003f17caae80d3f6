export {
  chooseDataDirectory,
  type DataDirectory,
  type DataDirectoryChoice,
  dataDirectoryAt,
  type Prepared,
  prepareDirectory,
} from './data-directory.js';
export {
  BODY_LIMIT_BYTES,
  DEFAULT_PORT,
  HANDSHAKE_PATH,
  LOOPBACK,
  PROTOCOL,
  SESSION_ID_MAX_BYTES,
} from './protocol.js';
export { type Method, ROUTES, type Route, type RouteName, routesAt } from './routes.js';
export { namesDataDirectory, scopeCookie } from './scope-cookie.js';
export {
  DUPLICATE_WINDOW_MS,
  eventId,
  parseEventId,
  type RecordedEvent,
  type SpooledEvent,
} from './spooled-event.js';
export type {
  CheckView,
  DoctorBody,
  ErrorBody,
  EventsBody,
  HandshakeBody,
  HealthBody,
  OwnerView,
  ProcessView,
  ReadinessBody,
  ReportTarget,
  SessionView,
  StopReport,
} from './types.js';
export { routePath, workerUrl } from './url.js';
