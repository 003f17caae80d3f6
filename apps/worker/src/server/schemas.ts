import type { FastifySchema } from 'fastify';
import { type RouteName, SESSION_ID_MAX_BYTES } from '../contract/index.js';

const text = (maxLength: number): object => ({ type: 'string', minLength: 1, maxLength });
const milliseconds = { type: 'integer', minimum: 0, maximum: 24 * 60 * 60 * 1000 } as const;
const pid = { type: 'integer' } as const;
const flag = { type: 'string', enum: ['0', '1', 'true', 'false', ''] } as const;
const object = <T extends object>(properties: T, required: readonly (keyof T & string)[] = []): object => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
});

type Shaped =
  | 'handshake'
  | 'shutdown'
  | 'listSessions'
  | 'listProcesses'
  | 'putSession'
  | 'spawnProcess'
  | 'adoptProcess'
  | 'postEvent'
  | 'listEvents';

/** The shapes of bodies and queries. What they do not name is refused with 422. */
export const SCHEMAS: Readonly<Record<Shaped & RouteName, FastifySchema>> = {
  handshake: { body: object({ client: text(256) }, ['client']) },
  shutdown: {
    body: { ...object({ force: { type: 'boolean' }, reason: { type: 'string', maxLength: 256 } }), nullable: true },
  },
  listSessions: { querystring: object({ all: flag }) },
  listProcesses: { querystring: object({ usage: flag }) },
  putSession: {
    body: object({
      owner: object({ pid, startToken: text(64) }, ['pid']),
      cwd: text(4096),
      metadata: { type: 'object' },
    }),
  },
  spawnProcess: {
    body: object(
      {
        name: text(256),
        command: text(4096),
        args: { type: 'array', items: { type: 'string' }, maxItems: 10_000 },
        cwd: text(4096),
        env: {
          type: 'object',
          propertyNames: { pattern: '^[^=\\u0000]+$' },
          additionalProperties: { type: 'string' },
        },
        envProfile: text(64),
        type: text(64),
        restart: { type: 'string', enum: ['temporary', 'transient', 'permanent'] },
        stopSignal: text(16),
        graceMs: milliseconds,
        killWaitMs: milliseconds,
        stdin: { type: 'string', enum: ['ignore', 'pipe'] },
        onDuplicate: { type: 'string', enum: ['error', 'replace'] },
        onWorkerDeath: { type: 'string', enum: ['kill', 'keep'] },
        ready: { type: 'object' },
      },
      ['name', 'command'],
    ),
  },
  adoptProcess: {
    // The pid's range is checked with the other reasons for which a process may not be adopted.
    body: object({ pid: { type: 'number' }, startToken: text(64), name: text(256), type: text(64) }, ['pid', 'name']),
  },
  postEvent: {
    body: object(
      {
        id: text(1024),
        event: text(256),
        sessionId: text(SESSION_ID_MAX_BYTES),
        agent: text(256),
        at: { type: 'string' },
        ownerPid: pid,
        ownerStartToken: text(64),
        truncated: { type: 'boolean' },
        payload: {},
      },
      ['id', 'event', 'sessionId', 'agent', 'at', 'payload'],
    ),
  },
  listEvents: {
    querystring: object({
      after: { type: 'string', pattern: '^\\d{0,15}$' },
      session: { type: 'string', maxLength: SESSION_ID_MAX_BYTES },
      limit: { type: 'string', pattern: '^\\d{0,6}$' },
    }),
  },
};
