import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';

export interface LocalServer extends AsyncDisposable {
  readonly port: number;
  /** The connections that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** How many connections there ever were. */
  connections(): number;
}

const listen = async (server: Server, wanted = 0): Promise<LocalServer> => {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {
      // A client that leaves early is the subject of these tests.
    });
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    sockets,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

export const httpServer = (answer: RequestListener, port?: number): Promise<LocalServer> =>
  listen(createServer(answer), port);

/** A server that speaks raw TCP. It reads what it is sent, since a socket that is not read never tells of its end. */
export const tcpServer = (connected: (socket: Socket) => void): Promise<LocalServer> =>
  listen(
    createTcpServer((socket) => {
      socket.resume();
      connected(socket);
    }),
  );

/** A port of 127.0.0.1 on which nobody listens, a moment ago at least. */
export const freePort = async (): Promise<number> => {
  const server = await tcpServer(() => {});
  await server[Symbol.asyncDispose]();
  return server.port;
};
