import { routesAt } from '../contract/index.js';
import { WorkerError } from '../supervisor/errors.js';
import { sameSecret } from './token.js';

export interface GuardedRequest {
  /** The request target as it was sent. */
  readonly target: string;
  readonly method: string;
  /** Name, value, name, value … as they were sent: duplicates included. */
  readonly rawHeaders: readonly string[];
}

export interface Guard {
  readonly port: number;
  readonly token: string;
}

const valuesOf = (rawHeaders: readonly string[], name: string): string[] =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);

/** The path of a request target in origin form. */
export const pathOf = (target: string): string => target.split('?', 1)[0] ?? '';

const refuseHost = ({ target, rawHeaders }: GuardedRequest, { port }: Guard): WorkerError | undefined => {
  // An absolute-form target names a host of its own, which would outrank the header (RFC 9112, 3.2.2).
  if (!target.startsWith('/')) return new WorkerError('BAD_HOST', 'the request target must be a path');
  const hosts = valuesOf(rawHeaders, 'host');
  const allowed = [`127.0.0.1:${port}`, `localhost:${port}`];
  return hosts.length === 1 && allowed.includes(hosts[0] ?? '')
    ? undefined
    : new WorkerError('BAD_HOST', `exactly one Host header is needed, of ${allowed.join(' or ')}`);
};

const refuseOrigin = ({ rawHeaders }: GuardedRequest, { port }: Guard): WorkerError | undefined => {
  const own = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
  const foreign = valuesOf(rawHeaders, 'origin').some((origin) => !own.includes(origin));
  const crossSite = valuesOf(rawHeaders, 'sec-fetch-site').some((site) => site !== 'same-origin' && site !== 'none');
  return foreign || crossSite ? new WorkerError('BAD_ORIGIN', 'requests from web pages are not answered') : undefined;
};

const refuseToken = ({ target, method, rawHeaders }: GuardedRequest, { token }: Guard): WorkerError | undefined => {
  const here = routesAt(pathOf(target));
  // A path of open routes alone is open whatever the method: it answers 405 rather than 401.
  if (here.length > 0 && here.every(({ open }) => open)) return undefined;
  if (here.some((route) => route.open && route.method === method)) return undefined;
  const given = valuesOf(rawHeaders, 'authorization');
  const [only = ''] = given;
  return given.length === 1 && only.startsWith('Bearer ') && sameSecret(only.slice('Bearer '.length), token)
    ? undefined
    : new WorkerError('UNAUTHORIZED', 'send "Authorization: Bearer <token>" with the content of the token file');
};

/**
 * The first checks of every request, before anything of it is interpreted: Host, Origin, token, in this order. Returns what it is
 * refused with, or undefined.
 */
export const refuse = (request: GuardedRequest, guard: Guard): WorkerError | undefined =>
  refuseHost(request, guard) ?? refuseOrigin(request, guard) ?? refuseToken(request, guard);
