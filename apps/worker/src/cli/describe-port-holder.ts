import { probe } from '@cm/health/client';
import { ROUTES } from '../contract/index.js';

/** Who listens on a port, as far as they say so themselves. */
export const describePortHolder = async (port: number): Promise<string> => {
  const answer = await probe({ port, path: ROUTES.health.path, timeoutMs: 500, maxBytes: 64 * 1024 });
  if (answer.status !== 'answered') return 'its holder is not a worker';
  const { body } = answer;
  return typeof body === 'object' && body !== null && 'pid' in body && 'instanceId' in body
    ? `held by the worker of another data directory, pid ${String(body.pid)}`
    : 'held by another HTTP server';
};
