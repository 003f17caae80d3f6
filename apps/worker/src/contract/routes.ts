import { HANDSHAKE_PATH } from './protocol.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Route {
  readonly method: Method;
  /** `:name` stands for one percent-encoded segment. */
  readonly path: string;
  /** Answers without a token. Host and Origin are checked all the same. */
  readonly open: boolean;
}

const open = (method: Method, path: string): Route => ({ method, path, open: true });
const guarded = (method: Method, path: string): Route => ({ method, path, open: false });

export type RouteName =
  | 'health'
  | 'readiness'
  | 'version'
  | 'handshake'
  | 'doctor'
  | 'shutdown'
  | 'restart'
  | 'listSessions'
  | 'putSession'
  | 'getSession'
  | 'endSession'
  | 'spawnProcess'
  | 'adoptProcess'
  | 'listProcesses'
  | 'getProcess'
  | 'stopProcess'
  | 'postEvent'
  | 'listEvents';

/** Every route of this version. What `interfaces.md` promises for later is simply not here: it answers 404. */
export const ROUTES: Readonly<Record<RouteName, Route>> = {
  health: open('GET', '/api/health'),
  readiness: open('GET', '/api/readiness'),
  version: open('GET', '/api/version'),
  handshake: open('POST', HANDSHAKE_PATH),
  doctor: guarded('GET', '/api/admin/doctor'),
  shutdown: guarded('POST', '/api/admin/shutdown'),
  restart: guarded('POST', '/api/admin/restart'),
  listSessions: guarded('GET', '/api/sessions'),
  putSession: guarded('PUT', '/api/sessions/:id'),
  getSession: guarded('GET', '/api/sessions/:id'),
  endSession: guarded('DELETE', '/api/sessions/:id'),
  spawnProcess: guarded('POST', '/api/sessions/:id/processes'),
  adoptProcess: guarded('POST', '/api/sessions/:id/adopt'),
  listProcesses: guarded('GET', '/api/processes'),
  getProcess: guarded('GET', '/api/processes/:id'),
  stopProcess: guarded('DELETE', '/api/processes/:id'),
  postEvent: guarded('POST', '/api/events'),
  listEvents: guarded('GET', '/api/events'),
};

const patternOf = ({ path }: Route): RegExp =>
  new RegExp(`^${path.replace(/:[a-z]+/gi, '[^/]+').replace(/\./g, '\\.')}$`);

const PATTERNS = Object.values(ROUTES).map((route: Route) => ({ route, pattern: patternOf(route) }));

/** The routes that a path (without query) matches, whatever their method. */
export const routesAt = (path: string): readonly Route[] =>
  PATTERNS.filter(({ pattern }) => pattern.test(path)).map(({ route }) => route);
