import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { timerDelay } from '../timer-delay.js';
import { classifyFailure, type ProbeFailure } from './classify-failure.js';

export interface ProbeRequest {
  readonly port: number;
  /** The path with its query, percent-encoded. */
  readonly path: string;
  /** An address; a name would be looked up first, and `localhost` may be ::1. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default `GET`. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. `undefined` sends no body. */
  readonly body?: unknown;
  /** For everything together, from the call to the last byte of the answer, in milliseconds. */
  readonly timeoutMs: number;
  /** The largest body that is read. Default 16 MiB. */
  readonly maxBytes?: number;
  /** Ends the probe with `failed`, reason `aborted`. */
  readonly signal?: AbortSignal;
}

/**
 * What came of asking.
 *
 * - `answered`: any complete HTTP answer, whatever its code. `body` is the parsed JSON, or `undefined` where it is not JSON.
 * - `refused`: nobody listens. `denied`: this process may not connect (a sandbox, a firewall): asking again will not help.
 * - `timeout`: no complete answer in time. `failed`: everything else, such as an answer that is not HTTP, ends early or is too large.
 */
export type Probe =
  | {
      readonly status: 'answered';
      readonly code: number;
      readonly body: unknown;
      readonly headers: IncomingHttpHeaders;
    }
  | ProbeFailure
  | { readonly status: 'timeout' };

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const failed = (reason: string): Probe => ({ status: 'failed', reason });

const ENDED_EARLY: Probe = failed('the connection closed before the answer was complete');

/** Reads an answer to its end, or to the first byte too many. */
const readAnswer = (response: IncomingMessage, maxBytes: number, done: (result: Probe) => void): void => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) done(failed(`the answer is larger than ${maxBytes} bytes`));
    else chunks.push(chunk);
  });
  response.on('end', () =>
    done({
      status: 'answered',
      code: response.statusCode ?? 0,
      body: parseJson(Buffer.concat(chunks).toString('utf8')),
      headers: response.headers,
    }),
  );
  // Node drops this error while nobody listens, today; an unheard one would end the process.
  response.on('error', () => done(ENDED_EARLY));
};

/**
 * Asks a local HTTP server one question on a connection of its own. Never rejects. When it resolves, its socket is
 * destroyed or about to close, and its timer is gone.
 */
export const probe = ({
  port,
  path,
  host = '127.0.0.1',
  method = 'GET',
  headers = {},
  body,
  timeoutMs,
  maxBytes = 16 * 1024 * 1024,
  signal,
}: ProbeRequest): Promise<Probe> =>
  new Promise((resolve) => {
    let asked: ClientRequest | undefined;
    const done = (result: Probe): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      asked?.destroy();
      resolve(result);
    };
    const abort = (): void => done(failed('aborted'));
    // For the whole exchange: an idle timeout never ends a server that drips one byte at a time (field failure 32).
    const timer = setTimeout(() => done({ status: 'timeout' }), timerDelay(timeoutMs));
    if (signal?.aborted === true) return abort();
    signal?.addEventListener('abort', abort);
    try {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const ours =
        payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(payload)}` };
      const outgoing = request({ host, port, path, method, agent: false, headers: { ...ours, ...headers } });
      asked = outgoing;
      outgoing.on('response', (response) => readAnswer(response, maxBytes, done));
      outgoing.on('error', (error) => done(classifyFailure(error)));
      // Comes after the answer's 'end' (http, order of events); before it, the answer was cut short or never came, as after
      // an upgrade nobody asked for.
      outgoing.on('close', () => done(ENDED_EARLY));
      outgoing.end(payload);
    } catch (error) {
      // A port, path, header or body that cannot be sent.
      done(classifyFailure(error));
    }
  });
