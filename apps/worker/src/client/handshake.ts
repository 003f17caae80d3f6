import { probe } from '@cm/health/client';
import type { PidRecord } from '@cm/pid-file/read';
import { HANDSHAKE_PATH, type HandshakeBody } from '../contract/index.js';

export type Handshake =
  | { readonly status: 'proven'; readonly readiness: HandshakeBody['status']; readonly protocol: number }
  /** Nobody listens, or the sandbox forbids to ask. */
  | { readonly status: 'refused' | 'denied'; readonly reason: string }
  /** Somebody listens who is not the worker of this PID file, or does not answer in time. */
  | { readonly status: 'stranger' | 'silent'; readonly reason: string };

/**
 * Mutual proof: one half of the pair in the PID file goes out, the other must come back. Whoever squats on the port learns
 * neither the token nor an event.
 */
export const handshake = async (record: PidRecord, timeoutMs = 1000): Promise<Handshake> => {
  const answer = await probe({
    port: record.port,
    path: HANDSHAKE_PATH,
    method: 'POST',
    body: { client: record.proof.client },
    timeoutMs,
    maxBytes: 64 * 1024,
  });
  switch (answer.status) {
    case 'answered':
      break;
    case 'refused':
    case 'denied':
      return { status: answer.status, reason: answer.reason };
    case 'timeout':
      return { status: 'silent', reason: `no answer within ${timeoutMs} ms` };
    case 'failed':
      return { status: 'silent', reason: answer.reason };
  }
  const proof = answer.code === 200 ? proofIn(answer.body) : undefined;
  if (proof?.worker !== record.proof.worker) {
    return { status: 'stranger', reason: `port ${record.port} answers, but not as the worker of this data directory` };
  }
  return {
    status: 'proven',
    readiness: READINESS.find((known) => known === proof.status) ?? 'initializing',
    protocol: proof.protocol,
  };
};

const proofIn = (body: unknown): { worker: string; protocol: number; status: unknown } | undefined => {
  if (typeof body !== 'object' || body === null) return undefined;
  if (!('worker' in body) || !('protocol' in body) || !('status' in body)) return undefined;
  const { worker, protocol, status } = body;
  return typeof worker === 'string' && typeof protocol === 'number' ? { worker, protocol, status } : undefined;
};

const READINESS: readonly HandshakeBody['status'][] = ['ready', 'initializing', 'stopping', 'failed'];
