import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, eventOf, field, putSession, startWorker, type TestWorker, wire } from '../support-api.js';

const LIMIT = 5 * 1024 * 1024;

let worker: TestWorker;
beforeAll(async () => {
  worker = await startWorker();
});
afterAll(() => worker[Symbol.asyncDispose]());

describe('the first check that fails is the answer', () => {
  const host = (): string => `Host: 127.0.0.1:${worker.port}`;
  const bearer = (): string => `Authorization: Bearer ${worker.token}`;
  const origin = 'Origin: http://evil.com';
  const plain = ['Content-Type: text/plain', `Content-Length: ${LIMIT + 1}`];
  const large = ['Content-Type: application/json', `Content-Length: ${LIMIT + 1}`];

  // Each row is wrong in everything that is checked after what it is answered with.
  it.each([
    [403, 'BAD_HOST', 'PATCH /nothing', () => ['Host: evil.com', origin, ...plain]],
    [403, 'BAD_ORIGIN', 'PATCH /nothing', () => [host(), origin, ...plain]],
    [401, 'UNAUTHORIZED', 'PATCH /nothing', () => [host(), ...plain]],
    [401, 'UNAUTHORIZED', 'PATCH /api/events', () => [host(), ...plain]],
    [404, 'NOT_FOUND', 'POST /nothing', () => [host(), bearer(), ...plain]],
    [404, 'NOT_FOUND', 'POST /nothing', () => [host(), bearer(), ...large]],
    [405, 'METHOD_NOT_ALLOWED', 'PATCH /api/events', () => [host(), bearer(), ...plain]],
    [405, 'METHOD_NOT_ALLOWED', 'PUT /api/events', () => [host(), bearer(), ...large]],
    [415, 'UNSUPPORTED_MEDIA_TYPE', 'POST /api/events', () => [host(), bearer(), ...plain]],
    [413, 'BODY_TOO_LARGE', 'POST /api/events', () => [host(), bearer(), ...large]],
  ] as const)('%i %s to %s', async (status, code, line, headers) => {
    const { statuses, text } = await worker.raw(wire(line, headers(), 'not JSON'));
    expect(statuses).toEqual([status]);
    expect(text).toContain(`"code":"${code}"`);
  });

  it('finds what is no JSON before it looks at its shape, on unknown routes neither', async () => {
    const send = (method: string, path: string, bytes: string) => worker.call(method, path, undefined, { bytes });
    expect(codeOf(await send('POST', '/api/events', '{"unknown":'))).toBe('BAD_JSON');
    expect(codeOf(await send('POST', '/api/events', '{"unknown":1}'))).toBe('INVALID');
    expect(codeOf(await send('POST', '/metrics', '{'))).toBe('NOT_FOUND');
    expect(codeOf(await send('POST', '/api/health', '{'))).toBe('METHOD_NOT_ALLOWED');
  });
});

describe('content types', () => {
  it.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=x'],
    ['application/jsonx'],
    ['application/vnd.api+json'],
    ['text/json'],
    ['json'],
    ['application/json; charset=utf-7'],
    ['application/json;charset="utf-16"'],
  ])('answers 415 to %s', async (contentType) => {
    const answer = await worker.call('POST', '/api/events', undefined, { bytes: '{}', contentType });
    expect(answer.status).toBe(415);
    expect(codeOf(answer)).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  it('answers 415 to a body without a type, and to a compressed one', async () => {
    expect((await worker.call('POST', '/api/events', undefined, { bytes: '{}', contentType: null })).status).toBe(415);
    const headers = { 'content-encoding': 'gzip' };
    expect((await worker.call('POST', '/api/events', undefined, { bytes: '{}', headers })).status).toBe(415);
  });

  it.each([
    ['application/json'],
    ['Application/JSON'],
    ['application/json; charset=utf-8'],
    ['application/json;charset=UTF8'],
  ])('reads %s', async (contentType) => {
    const bytes = JSON.stringify(eventOf({ id: contentType, sessionId: 'types' }));
    expect((await worker.call('POST', '/api/events', undefined, { bytes, contentType })).status).toBe(202);
  });
});

describe('sizes', () => {
  const sized = (bytes: number): string => {
    const frame = JSON.stringify(eventOf({ id: `sized ${bytes}`, sessionId: 'sizes', payload: '' }));
    return frame.replace('"payload":""', `"payload":"${'x'.repeat(bytes - frame.length)}"`);
  };

  it('takes 5 MB, and answers 413 to one byte more', async () => {
    expect((await worker.call('POST', '/api/events', undefined, { bytes: sized(LIMIT) })).status).toBe(202);
    const answer = await worker.call('POST', '/api/events', undefined, { bytes: sized(LIMIT + 1) });
    expect(answer.status).toBe(413);
    expect(codeOf(answer)).toBe('BODY_TOO_LARGE');
  });

  it('counts what comes in chunks, too', async () => {
    const headers = [
      `Host: 127.0.0.1:${worker.port}`,
      `Authorization: Bearer ${worker.token}`,
      'Content-Type: application/json',
      'Transfer-Encoding: chunked',
    ];
    const chunk = `${(1024 * 1024).toString(16)}\r\n${' '.repeat(1024 * 1024)}\r\n`;
    const { statuses } = await worker.raw(wire('POST /api/events', headers, chunk.repeat(6)));
    expect(statuses).toEqual([413]);
  });
});

describe('JSON', () => {
  it.each([
    ['nothing', ''],
    ['blanks', '  '],
    ['an open object', '{"id":'],
    ['NaN', 'NaN'],
    ['two documents', '{}{}'],
    ['UTF-16', Buffer.from('{}', 'utf16le')],
    ['__proto__ as a key', '{"__proto__":{"polluted":1}}'],
    ['__proto__ further in', '{"payload":{"__proto__":{"polluted":1}}}'],
    ['constructor.prototype', '{"constructor":{"prototype":{"polluted":1}}}'],
  ])('answers 400 to %s', async (_, bytes) => {
    const answer = await worker.call('POST', '/api/events', undefined, { bytes });
    expect(answer.status).toBe(400);
    expect(codeOf(answer)).toBe('BAD_JSON');
    expect(field({}, 'polluted')).toBeUndefined();
    expect(Object.prototype).not.toHaveProperty('polluted');
  });

  it.each([['[]'], ['"text"'], ['null'], ['1'], ['true']])('answers 422 to the document %s', async (bytes) => {
    for (const [method, path] of [
      ['POST', '/api/events'],
      ['PUT', '/api/sessions/s'],
      ['POST', '/api/sessions/s/processes'],
      ['POST', '/api/sessions/s/adopt'],
      ['POST', '/api/handshake'],
    ] as const) {
      expect((await worker.call(method, path, undefined, { bytes })).status, path).toBe(422);
    }
  });

  it('answers 422 to what is nested too deep to be written again, and keeps nothing of it (fault 44)', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const event = JSON.stringify(eventOf({ id: 'deep', sessionId: 'deep', payload: 0 })).replace(
      '"payload":0',
      `"payload":${deep}`,
    );
    const posted = await worker.call('POST', '/api/events', undefined, { bytes: event });
    expect(codeOf(posted)).toBe('INVALID');
    const put = await worker.call('PUT', '/api/sessions/deep', undefined, { bytes: `{"metadata":{"a":${deep}}}` });
    expect(codeOf(put)).toBe('INVALID');
    expect((await worker.call('GET', '/api/sessions/deep')).status).toBe(404);
  });

  it('keeps odd keys as they are', async () => {
    const metadata = { constructor: 1, hasOwnProperty: 'x', toString: null, '': [], 'a.b': {} };
    await putSession(worker, 'odd', { metadata });
    expect(field((await worker.call('GET', '/api/sessions/odd')).body, 'metadata')).toEqual(metadata);
  });

  it.each([
    ['PUT', '/api/sessions/unknown-fields', {}],
    ['POST', '/api/sessions/odd/processes', { name: 'n', command: '/nowhere' }],
    ['POST', '/api/sessions/odd/adopt', { name: 'n', pid: 0 }],
    ['POST', '/api/events', eventOf()],
    ['POST', '/api/handshake', { client: 'x' }],
    ['POST', '/api/admin/shutdown', {}],
  ])('answers 422 to a field that %s %s does not know (R22)', async (method, path, body) => {
    const answer = await worker.call(method, path, { ...body, surprise: true });
    expect(answer.status).toBe(422);
    expect(codeOf(answer)).toBe('INVALID');
    expect((await worker.call('GET', '/api/readiness')).body).toEqual({ status: 'ready' });
  });

  it.each([
    ['/api/sessions?all=2'],
    ['/api/sessions?all=1&all=1'],
    ['/api/sessions?al=1'],
    ['/api/events?after=-1'],
    ['/api/events?after=x'],
    ['/api/events?limit=1e3'],
  ])('answers 422 to the query of %s', async (path) => {
    expect((await worker.call('GET', path)).status).toBe(422);
  });

  it('does not ask for a body where none is needed, even of a client that always says JSON', async () => {
    const bytes = '';
    expect(codeOf(await worker.call('DELETE', '/api/processes/none', undefined, { bytes }))).toBe('PROCESS_NOT_FOUND');
    expect(codeOf(await worker.call('PUT', '/api/sessions/s', undefined, { bytes }))).toBe('BAD_JSON');
    expect(codeOf(await worker.call('PUT', '/api/sessions/s'))).toBe('INVALID');
  });
});
