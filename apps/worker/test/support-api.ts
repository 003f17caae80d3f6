import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type ProcessTable, systemClock } from '@cm/process-table';
import { expect } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { type DataDirectory, dataDirectoryAt } from '../src/contract/index.js';
import { createWorker, resolveSettings, type Settings, type Worker } from '../src/index.js';

export const VERSION = '1.2.3';

/** A port that nobody listens on at this moment. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Parsed JSON. */
  readonly body: unknown;
}

export interface CallOptions {
  /** Default: the worker's own. `null`: none is sent. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, instead of a JSON body. */
  readonly bytes?: string | Buffer;
  /** With `bytes`. Default `application/json`; `null`: none is sent. */
  readonly contentType?: string | null;
}

export interface TestWorker extends AsyncDisposable {
  readonly worker: Worker;
  readonly port: number;
  readonly token: string;
  readonly dataDirectory: DataDirectory;
  /** Everything that was logged, a JSON text a line. */
  readonly logged: readonly string[];
  /** One request on a connection of its own. What holds for every answer is checked here. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  /** Writes bytes and returns all that came back until the worker closed the connection. */
  raw(bytes: string | Buffer): Promise<RawAnswer>;
}

export interface RawAnswer {
  readonly text: string;
  /** The status of each answer in it, in order. */
  readonly statuses: readonly number[];
}

export interface TestWorkerOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly settings?: Partial<Settings>;
  readonly table?: ProcessTable;
  /** The data directory of an earlier worker, which this one does not remove. */
  readonly dataDirectory?: DataDirectory;
}

const ERROR_CODE = /^[A-Z][A-Z_]*[A-Z]$/;

/** What every answer of the API keeps to, whatever was asked. */
const assertWellFormed = ({ status, headers, body }: Answer, what: string): void => {
  expect(headers['content-type'], what).toBe('application/json; charset=utf-8');
  expect(headers['x-content-type-options'], what).toBe('nosniff');
  expect(headers['cache-control'], what).toBe('no-store');
  expect(
    Object.keys(headers).filter((name) => name.startsWith('access-control')),
    what,
  ).toEqual([]);
  // The answer to a HEAD is headers alone.
  if (body === undefined) return;
  if (status < 400 || (status === 503 && typeof field(body, 'status') === 'string')) return;
  expect(Object.keys(objectOf(body)), what).toEqual(['error']);
  const error = objectOf(field(body, 'error'));
  expect(error.code, what).toMatch(ERROR_CODE);
  expect(error.message, what).toMatch(/\S/);
  expect(
    Object.keys(error).filter((key) => !['code', 'message', 'details'].includes(key)),
    what,
  ).toEqual([]);
};

const objectOf = (value: unknown): Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) throw new Error(`no object: ${JSON.stringify(value)}`);
  return { ...value };
};

/** A field of a parsed body, by path; undefined where there is none. */
export const field = (body: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined,
    body,
  );

export const textIn = (body: unknown, ...path: readonly (string | number)[]): string => {
  const value = field(body, ...path);
  if (typeof value !== 'string') throw new Error(`no text at ${path.join('.')} of ${JSON.stringify(body)}`);
  return value;
};

export const numberIn = (body: unknown, ...path: readonly (string | number)[]): number => {
  const value = field(body, ...path);
  if (typeof value !== 'number') throw new Error(`no number at ${path.join('.')} of ${JSON.stringify(body)}`);
  return value;
};

export const listIn = (body: unknown, ...path: readonly (string | number)[]): readonly unknown[] => {
  const value = field(body, ...path);
  if (!Array.isArray(value)) throw new Error(`no list at ${path.join('.')} of ${JSON.stringify(body)}`);
  return value;
};

/** The code of an error answer. */
export const codeOf = ({ body }: Answer): unknown => field(body, 'error', 'code');

const call = (port: number, method: string, path: string, headers: Record<string, string>, bytes?: string | Buffer) =>
  new Promise<Answer>((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
    const timer = setTimeout(() => sent.destroy(new Error(`no answer to ${method} ${path.slice(0, 100)}`)), 20_000);
    sent.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        clearTimeout(timer);
        const status = response.statusCode ?? 0;
        const parsed: unknown = method === 'HEAD' ? undefined : JSON.parse(text);
        resolve({ status, headers: response.headers, text, body: parsed });
      });
    });
    sent.end(bytes);
  });

const raw = (port: number, bytes: string | Buffer): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the connection stayed open after: ${text}`));
    }, 15_000);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    // A worker that closes while we still write resets the connection; what it said counts.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
      resolve({ text, statuses });
    });
    socket.write(bytes);
  });

/** A worker in this process, on a data directory and a port of its own, stopped and removed when it leaves scope. */
export const startWorker = async (options: TestWorkerOptions = {}): Promise<TestWorker> => {
  const { env = {}, settings = {}, table } = options;
  const directory = options.dataDirectory === undefined ? await temporaryDirectory() : undefined;
  const dataDirectory = options.dataDirectory ?? dataDirectoryAt(join(directory?.path ?? '', 'data'));
  const logged: string[] = [];
  const write =
    (level: string) =>
    (details: Readonly<Record<string, unknown>>, message: string): void =>
      void logged.push(JSON.stringify({ level, message, ...details }));
  const port = await freePort();
  const worker = createWorker({
    dataDirectory,
    settings: { ...resolveSettings({ flags: { port }, environment: {}, config: {} }), ...settings },
    version: VERSION,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    clock: systemClock,
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    ...(table === undefined ? {} : { table }),
  });
  await worker.start();
  const token = readFileSync(dataDirectory.token, 'utf8');
  return {
    worker,
    port,
    token,
    dataDirectory,
    logged,
    call: async (method, path, body, callOptions = {}) => {
      const { token: given = token, headers = {}, contentType = 'application/json' } = callOptions;
      const bytes = callOptions.bytes ?? (body === undefined ? undefined : JSON.stringify(body));
      const answer = await call(
        port,
        method,
        path,
        {
          ...(given === null ? {} : { authorization: `Bearer ${given}` }),
          ...(bytes === undefined || contentType === null ? {} : { 'content-type': contentType }),
          ...(bytes === undefined ? {} : { 'content-length': String(Buffer.byteLength(bytes)) }),
          ...headers,
        },
        bytes,
      );
      assertWellFormed(answer, `${method} ${path.slice(0, 100)}`);
      return answer;
    },
    raw: (bytes) => raw(port, bytes),
    [Symbol.asyncDispose]: async () => {
      await worker.stop({ reason: 'the test is over', force: true });
      await directory?.[Symbol.asyncDispose]();
    },
  };
};

/** Whether a process lives; a zombie does not. */
export const isAlive = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !['Z', 'X'].includes(stat.charAt(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
};

/** Field 22 of stat: what an identity calls its start token. */
export const startTokenOf = (pid: number): string => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
};

/** The environment a process was started with. */
export const environOf = (pid: number): Record<string, string> =>
  Object.fromEntries(
    readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .filter((entry) => entry !== '')
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );

/** A whole request in HTTP/1.1; `Connection: close` is added. */
export const wire = (line: string, headers: readonly string[] = [], body = ''): string =>
  [`${line} HTTP/1.1`, ...headers, 'Connection: close', '', body].join('\r\n');

/** The keys of an object, sorted: the shape of an answer. */
export const keysOf = (value: unknown): string[] => Object.keys(objectOf(value)).sort();

/** A session that exists. */
export const putSession = async (worker: TestWorker, id: string, body: object = {}): Promise<void> => {
  const { status, text } = await worker.call('PUT', `/api/sessions/${encodeURIComponent(id)}`, body);
  if (status !== 201 && status !== 200) throw new Error(`no session: ${text}`);
};

export interface Spawned {
  readonly id: string;
  readonly pid: number;
}

/** Starts a process through the API. */
export const spawnIn = async (worker: TestWorker, session: string, body: object): Promise<Spawned> => {
  const answer = await worker.call('POST', `/api/sessions/${session}/processes`, { name: 'process', ...body });
  if (answer.status !== 201) throw new Error(`not started: ${answer.text}`);
  return { id: textIn(answer.body, 'id'), pid: numberIn(answer.body, 'pid') };
};

/** An event as a client would post it. */
export const eventOf = (changes: object = {}): Record<string, unknown> => ({
  id: 'tool-1',
  event: 'PostToolUse',
  sessionId: 's',
  agent: 'claude-code',
  at: '2026-01-01T00:00:00.000Z',
  payload: { a: 1 },
  ...changes,
});
