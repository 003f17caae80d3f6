import type { ProcessTable } from '@cm/process-table';
import type { FastifyInstance, FastifySchema } from 'fastify';
import {
  type DoctorBody,
  type HandshakeBody,
  type HealthBody,
  type ReadinessBody,
  ROUTES,
  type Route,
  type SpooledEvent,
} from '../contract/index.js';
import type { Supervisor } from '../supervisor/create-supervisor.js';
import { WorkerError } from '../supervisor/errors.js';
import { problemWithEvent } from '../supervisor/read-event.js';
import { assertSessionId, type SessionOwner } from '../supervisor/session-store.js';
import { SCHEMAS } from './schemas.js';
import { type SpawnBody, toSpawnRequest } from './spawn-body.js';
import { sameSecret } from './token.js';

export interface RoutesContext {
  readonly supervisor: Supervisor;
  readonly table: Pick<ProcessTable, 'identify'>;
  readonly health: () => HealthBody;
  readonly readiness: () => ReadinessBody;
  readonly doctor: () => Promise<DoctorBody>;
  /** The pair of the published PID file. */
  readonly proof: () => { readonly client: string; readonly worker: string };
  /** Called after the answer has been flushed. */
  readonly onStopRequest: (request: { readonly force: boolean; readonly reason: string }) => void;
}

type Id = { Params: { id: string } };

const isOn = (flag: string | undefined): boolean => flag === '1' || flag === 'true';
const numberOr = (text: string | undefined, otherwise: number): number =>
  text === undefined || text === '' ? otherwise : Number(text);

export const registerRoutes = (app: FastifyInstance, context: RoutesContext): void => {
  const { supervisor, table } = context;
  const at = ({ method, path }: Route, schema?: FastifySchema) => ({
    method,
    url: path,
    ...(schema === undefined ? {} : { schema }),
  });

  const ownerOf = async (owner: { pid: number; startToken?: string }): Promise<SessionOwner> => {
    const found = await table.identify(owner.pid);
    if (found.status !== 'alive') throw new WorkerError('INVALID', `the owner, process ${owner.pid}, does not exist`);
    const { identity, command } = found.process;
    if (owner.startToken !== undefined && owner.startToken !== identity.startToken) {
      throw new WorkerError('INVALID', `pid ${owner.pid} belongs to another process by now: its start token differs`);
    }
    return { identity, command };
  };

  app.route({
    ...at(ROUTES.health),
    handler: async (): Promise<HealthBody> => context.health(),
  });
  app.route({
    ...at(ROUTES.readiness),
    handler: async (_request, reply): Promise<ReadinessBody> => {
      const readiness = context.readiness();
      if (readiness.status !== 'ready') void reply.code(503).header('retry-after', '1');
      return readiness;
    },
  });
  app.route({
    ...at(ROUTES.version),
    handler: async () => {
      const { version, protocol } = context.health();
      return { version, protocol };
    },
  });
  app.route<{ Body: { client: string } }>({
    ...at(ROUTES.handshake, SCHEMAS.handshake),
    handler: async ({ body }): Promise<HandshakeBody> => {
      const { client, worker } = context.proof();
      if (!sameSecret(body.client, client)) {
        throw new WorkerError('BAD_HANDSHAKE', 'that is not the client half of the PID file');
      }
      return { worker, protocol: context.health().protocol, status: context.readiness().status };
    },
  });

  app.route({ ...at(ROUTES.doctor), handler: () => context.doctor() });
  app.route<{ Body: { force?: boolean; reason?: string } | null | undefined }>({
    ...at(ROUTES.shutdown, SCHEMAS.shutdown),
    handler: async ({ body }, reply) => {
      reply.raw.once('close', () =>
        context.onStopRequest({ force: body?.force === true, reason: body?.reason ?? 'asked by the API' }),
      );
      return reply.code(202).send({ status: 'stopping' });
    },
  });
  app.route({
    ...at(ROUTES.restart),
    handler: async (_request, reply) => {
      reply.raw.once('close', () => context.onStopRequest({ force: false, reason: 'restart' }));
      return reply.code(202).send({ status: 'restarting' });
    },
  });

  app.route<{ Querystring: { all?: string } }>({
    ...at(ROUTES.listSessions, SCHEMAS.listSessions),
    handler: async ({ query }) => ({ sessions: supervisor.sessions(isOn(query.all)) }),
  });
  app.route<
    Id & { Body: { owner?: { pid: number; startToken?: string }; cwd?: string; metadata?: Record<string, unknown> } }
  >({
    ...at(ROUTES.putSession, SCHEMAS.putSession),
    handler: async ({ params: { id }, body: { owner, ...rest } }, reply) => {
      assertSessionId(id);
      const { created } = await supervisor.putSession(id, {
        ...rest,
        ...(owner === undefined ? {} : { owner: await ownerOf(owner) }),
      });
      return reply.code(created ? 201 : 200).send(supervisor.session(id));
    },
  });
  app.route<Id>({
    ...at(ROUTES.getSession),
    handler: async ({ params }) => supervisor.session(params.id),
  });
  app.route<Id>({
    ...at(ROUTES.endSession),
    handler: ({ params }) => supervisor.endSession(params.id),
  });

  app.route<Id & { Body: SpawnBody }>({
    ...at(ROUTES.spawnProcess, SCHEMAS.spawnProcess),
    handler: async ({ params, body }, reply) =>
      reply.code(201).send(await supervisor.spawn(params.id, toSpawnRequest(body))),
  });
  app.route<Id & { Body: { pid: number; startToken?: string; name: string; type?: string } }>({
    ...at(ROUTES.adoptProcess, SCHEMAS.adoptProcess),
    handler: async ({ params, body }, reply) => reply.code(201).send(await supervisor.adopt(params.id, body)),
  });
  app.route<{ Querystring: { usage?: string } }>({
    ...at(ROUTES.listProcesses, SCHEMAS.listProcesses),
    handler: async ({ query }) => ({ processes: await supervisor.processes({ usage: isOn(query.usage) }) }),
  });
  app.route<Id>({ ...at(ROUTES.getProcess), handler: ({ params }) => supervisor.process(params.id) });
  app.route<Id>({ ...at(ROUTES.stopProcess), handler: ({ params }) => supervisor.stopProcess(params.id) });

  app.route<{ Body: SpooledEvent }>({
    ...at(ROUTES.postEvent, SCHEMAS.postEvent),
    handler: async ({ body }, reply) => {
      const problem = problemWithEvent(body);
      if (problem !== undefined) throw new WorkerError('INVALID', problem);
      return reply.code(202).send({ accepted: supervisor.record(body), id: body.id });
    },
  });
  app.route<{ Querystring: { after?: string; session?: string; limit?: string } }>({
    ...at(ROUTES.listEvents, SCHEMAS.listEvents),
    handler: async ({ query: { after, session, limit } }) => ({
      events: supervisor.events({
        after: numberOr(after, 0),
        limit: numberOr(limit, 5000),
        ...(session === undefined || session === '' ? {} : { session }),
      }),
    }),
  });
};
