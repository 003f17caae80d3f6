import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import { BODY_LIMIT_BYTES, LOOPBACK, routesAt } from '../contract/index.js';
import { ERROR_STATUS, isWorkerError, messageOf, WorkerError } from '../supervisor/errors.js';
import type { Log } from '../supervisor/log.js';
import { MOST_LEVELS, nestsDeeperThan } from '../supervisor/nests-deeper.js';
import { answerUnparsed } from './answer-unparsed.js';
import { type Guard, pathOf, refuse } from './guard.js';
import { type RoutesContext, registerRoutes } from './routes.js';

export interface WorkerServer {
  /** Binds to the loopback literal and returns the port. Rejects with the system's error, such as EADDRINUSE. */
  listen(port: number): Promise<number>;
  /** Stops accepting, lets answers under way finish for so long, then closes every connection. */
  close(timeoutMs: number): Promise<void>;
}

export interface ServerOptions extends RoutesContext {
  readonly token: () => string;
  readonly log: Log;
}

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

const bodyOf = (error: WorkerError): object => ({
  error: {
    code: error.code,
    message: error.message,
    ...(error.details === undefined ? {} : { details: error.details }),
  },
});

const notJson = (): WorkerError =>
  new WorkerError(
    'UNSUPPORTED_MEDIA_TYPE',
    'send JSON, with "Content-Type: application/json", in UTF-8, not compressed',
  );

/** Whether a body is declared to be in a form that would be misread: compressed, or in another encoding of text. */
const isEncoded = ({ headers }: FastifyRequest): boolean => {
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(headers['content-type'] ?? '') ?? [];
  return !/^utf-?8$/i.test(charset) || (headers['content-encoding'] ?? 'identity') !== 'identity';
};

const needsBody = ({ routeOptions: { schema } }: FastifyRequest): boolean => {
  const body = schema?.body;
  return typeof body === 'object' && body !== null && !('nullable' in body);
};

/** What Fastify and its parsers call their refusals, in our words. */
const translate = (error: FastifyError | WorkerError): WorkerError => {
  if (isWorkerError(error)) return error;
  if (error.validation !== undefined) return new WorkerError('INVALID', error.message, { details: error.validation });
  switch (error.statusCode) {
    case 413:
      return new WorkerError('BODY_TOO_LARGE', `a body may have at most ${BODY_LIMIT_BYTES} bytes`);
    case 415:
      return notJson();
    case 414:
      return new WorkerError('INVALID', 'a part of the path is longer than any id');
    case 400:
      return error.code === 'FST_ERR_BAD_URL'
        ? new WorkerError('BAD_REQUEST', 'the path is not well encoded')
        : new WorkerError('BAD_JSON', `the body is not usable JSON: ${error.message}`);
    case 503:
      return new WorkerError('UNAVAILABLE', 'the worker is stopping');
    default:
      return new WorkerError('INTERNAL', 'something went wrong in the worker; its log says what', { cause: error });
  }
};

const answerRaw = (response: ServerResponse, error: WorkerError): void => {
  const body = JSON.stringify(bodyOf(error));
  response.writeHead(ERROR_STATUS[error.code], {
    ...HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
};

/** The HTTP side of the worker. Nothing of a request is interpreted before Host, Origin and token are right. */
export const createServer = (options: ServerOptions): WorkerServer => {
  const { log, token } = options;
  let port = 0;
  const guard = (): Guard => ({ port, token: token() });

  const http = (handler: (request: IncomingMessage, response: ServerResponse) => void) => {
    const server = createHttpServer(
      {
        headersTimeout: 10_000,
        requestTimeout: 30_000,
        keepAliveTimeout: 5_000,
        connectionsCheckingInterval: 1_000,
        // Ours answers it with 403.
        requireHostHeader: false,
      },
      (request, response) => {
        const { url: target = '', method = '', rawHeaders } = request;
        const refusal = refuse({ target, method, rawHeaders }, guard());
        if (refusal !== undefined) return answerRaw(response, refusal);
        handler(request, response);
      },
    );
    // An expectation that nobody knows may be ignored (RFC 9110, 10.1.1); the 417 by default would come before our checks.
    server.on('checkExpectation', (request, response) => void server.emit('request', request, response));
    return server;
  };

  const app: FastifyInstance = Fastify({
    serverFactory: http,
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { maxParamLength: 1024 },
    forceCloseConnections: true,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
    clientErrorHandler: (error, socket) => answerUnparsed(error, socket, HEADERS),
    frameworkErrors: (error, _request, reply) => {
      const translated = translate(error);
      reply.hijack();
      answerRaw(reply.raw, translated);
    },
  });
  app.removeContentTypeParser('text/plain');
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // Clients that always say JSON say it of no body, too.
    if (body === '' && !needsBody(request)) done(null, undefined);
    else parseJson(request, body.toString(), done);
  });
  // Before the body is looked at: 404 and 405 come before 415, and 415 before 413.
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) {
      const path = pathOf(request.url);
      const methods = routesAt(path).map(({ method }) => method);
      if (methods.length === 0) {
        throw new WorkerError('NOT_FOUND', `there is no ${request.method} ${path} in this version`);
      }
      void reply.header('allow', methods.join(', '));
      throw new WorkerError('METHOD_NOT_ALLOWED', `${path} takes ${methods.join(', ')}`);
    }
    if (isEncoded(request)) throw notJson();
  });
  app.addHook('preValidation', async ({ body }) => {
    if (nestsDeeperThan(body, MOST_LEVELS)) {
      throw new WorkerError('INVALID', `a body may nest ${MOST_LEVELS} levels deep`);
    }
  });
  app.addHook('onSend', async (_request, reply) => void reply.headers(HEADERS));
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    log.debug({ method, path: pathOf(url), code: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'request');
  });
  app.setErrorHandler<FastifyError | WorkerError>((error, request, reply) => {
    const translated = translate(error);
    if (translated.code === 'INTERNAL') {
      log.error({ path: pathOf(request.url), error: messageOf(error), stack: error.stack }, 'a request failed');
    }
    if (ERROR_STATUS[translated.code] === 503) void reply.header('retry-after', '1');
    return reply.code(ERROR_STATUS[translated.code]).send(bodyOf(translated));
  });
  registerRoutes(app, options);

  return {
    listen: async (wanted) => {
      await app.ready();
      await new Promise<void>((resolve, reject) => {
        const { server } = app;
        // Both go whichever comes: a taken port is tried many times on one server.
        const failed = (error: Error): void => {
          server.off('listening', bound);
          reject(error);
        };
        const bound = (): void => {
          server.off('error', failed);
          resolve();
        };
        server.once('error', failed).once('listening', bound);
        server.listen({ host: LOOPBACK, port: wanted, exclusive: true });
      });
      // After listen the address is never a path: it was bound to host and port.
      ({ port } = app.server.address() as AddressInfo);
      return port;
    },
    close: async (timeoutMs) => {
      const closed = new Promise<void>((resolve) => app.server.close(() => resolve()));
      app.server.closeIdleConnections();
      const timer = setTimeout(() => app.server.closeAllConnections(), timeoutMs);
      await closed;
      clearTimeout(timer);
      await app.close();
    },
  };
};
