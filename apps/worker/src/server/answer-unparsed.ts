import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

interface Unparsed {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const MALFORMED: Unparsed = { status: 400, code: 'BAD_REQUEST', message: 'that is not a request of HTTP/1.1' };

/** By the codes of Node's HTTP parser. */
const REFUSALS: Readonly<Record<string, Unparsed>> = {
  HPE_HEADER_OVERFLOW: { status: 431, code: 'HEADERS_TOO_LARGE', message: 'the headers are larger than 16 KB' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'REQUEST_TIMEOUT', message: 'the request did not arrive in time' },
};

/** Answers what the parser refuses, which never becomes a request, in the shape of every other error; closes the connection. */
export const answerUnparsed = (
  error: Error & { readonly code?: string },
  socket: Socket,
  headers: Readonly<Record<string, string>>,
): void => {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const { status, code, message } = REFUSALS[error.code ?? ''] ?? MALFORMED;
  const body = JSON.stringify({ error: { code, message } });
  const all = {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  if (socket.writable) {
    socket.write([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n'));
  }
  socket.destroy(error);
};
