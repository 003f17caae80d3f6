import { LOOPBACK } from './protocol.js';

/** Builds every URL of the worker for server, CLI and hooks alike; an IPv6 literal is bracketed. */
export const workerUrl = (port: number, path = '/', address: string = LOOPBACK): string =>
  `http://${address.includes(':') ? `[${address}]` : address}:${port}${path}`;

/** The path of a route with its parameters percent-encoded: `path('/api/sessions/:id', { id })`. */
export const routePath = (pattern: string, parameters: Readonly<Record<string, string>> = {}): string =>
  pattern.replace(/:([a-z]+)/gi, (_, name: string) => encodeURIComponent(parameters[name] ?? ''));
