import { describe, expect, it } from 'vitest';
import { refuse } from '../../src/server/guard.js';

const TOKEN = 'ab'.repeat(32);
const GUARD = { port: 4000, token: TOKEN };
const HOST = ['Host', '127.0.0.1:4000'];
const BEARER = ['Authorization', `Bearer ${TOKEN}`];

const codeFor = (headers: readonly string[], target = '/api/sessions', method = 'GET'): string | undefined =>
  refuse({ target, method, rawHeaders: headers }, GUARD)?.code;

describe('Host and Origin (field failures 36, 88, 89)', () => {
  it.each([['127.0.0.1:4000'], ['localhost:4000']])('lets %s in', (host) => {
    expect(codeFor(['hOsT', host, ...BEARER])).toBeUndefined();
  });

  it.each([
    ['evil.com:4000'],
    ['127.0.0.1:4001'],
    ['127.0.0.1'],
    ['localhost'],
    ['127.0.0.1.:4000'],
    ['127.0.0.1.evil.com:4000'],
    ['127.0.0.1:4000@evil'],
    ['evil@127.0.0.1:4000'],
    ['2130706433:4000'],
    ['0x7f.1:4000'],
    ['0.0.0.0:4000'],
    ['[::1]:4000'],
    ['[::1'],
    ['127.0.0.1:04000'],
    ['%00'],
    [''],
    ['a'.repeat(8192)],
  ])('keeps out the host %.40s, whatever its token', (host) => {
    expect(codeFor(['Host', host, ...BEARER])).toBe('BAD_HOST');
    expect(codeFor(['Host', host], '/api/health')).toBe('BAD_HOST');
  });

  it('keeps out none, and two, in whatever order', () => {
    expect(codeFor(BEARER)).toBe('BAD_HOST');
    expect(codeFor([...HOST, 'Host', 'evil.com', ...BEARER])).toBe('BAD_HOST');
    expect(codeFor(['Host', 'evil.com', ...HOST, ...BEARER])).toBe('BAD_HOST');
    expect(codeFor([...HOST, ...HOST, ...BEARER])).toBe('BAD_HOST');
  });

  it('does not take a header’s value for its name', () => {
    expect(codeFor(['X', 'Host', '127.0.0.1:4000', 'y', ...BEARER])).toBe('BAD_HOST');
  });

  it.each([['http://127.0.0.1:4000/api/health'], ['http://evil.com/api/health'], ['*'], ['evil.com:443'], ['']])(
    'takes the target %s for no path',
    (target) => {
      expect(codeFor([...HOST, ...BEARER], target)).toBe('BAD_HOST');
    },
  );

  it.each([
    ['null'],
    ['http://localhost:3000'],
    ['http://localhost:4000.evil'],
    ['https://localhost:4000'],
    ['http://127.0.0.1'],
    ['http://127.0.0.1:4000/'],
    ['::::'],
    [''],
  ])('refuses the origin "%s", also where no token is asked for', (origin) => {
    expect(codeFor([...HOST, ...BEARER, 'Origin', origin])).toBe('BAD_ORIGIN');
    expect(codeFor([...HOST, 'Origin', origin], '/api/health')).toBe('BAD_ORIGIN');
  });

  it('lets its own pages in, and no other beside them', () => {
    expect(codeFor([...HOST, ...BEARER, 'Origin', 'http://127.0.0.1:4000'])).toBeUndefined();
    expect(codeFor([...HOST, ...BEARER, 'Origin', 'http://localhost:4000', 'Sec-Fetch-Site', 'same-origin'])).toBe(
      undefined,
    );
    expect(codeFor([...HOST, ...BEARER, 'Origin', 'http://127.0.0.1:4000', 'Origin', 'http://evil.com'])).toBe(
      'BAD_ORIGIN',
    );
  });

  it.each([['cross-site'], ['same-site'], ['']])('refuses Sec-Fetch-Site "%s"', (site) => {
    expect(codeFor([...HOST, ...BEARER, 'Sec-Fetch-Site', site])).toBe('BAD_ORIGIN');
  });
});

describe('the token (field failures 88, 90)', () => {
  it('lets in who has it, on every method', () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'POST', 'OPTIONS']) {
      expect(codeFor([...HOST, 'authorization', `Bearer ${TOKEN}`], '/api/sessions/1', method)).toBeUndefined();
    }
  });

  it.each([
    ['nothing', []],
    ['an empty header', ['Authorization', '']],
    ['an empty token', ['Authorization', 'Bearer ']],
    ['another token', ['Authorization', `Bearer ${'cd'.repeat(32)}`]],
    ['a prefix', ['Authorization', `Bearer ${TOKEN.slice(0, -1)}`]],
    ['one character more', ['Authorization', `Bearer ${TOKEN}a`]],
    ['upper case', ['Authorization', `Bearer ${TOKEN.toUpperCase()}`]],
    ['no scheme', ['Authorization', TOKEN]],
    ['another scheme', ['Authorization', `Basic ${TOKEN}`]],
    ['the header twice', [...BEARER, ...BEARER]],
    ['a right and a wrong one', [...BEARER, 'Authorization', 'Bearer x']],
    ['a cookie', ['Cookie', `token=${TOKEN}`]],
    ['another header', ['X-Forwarded-For', '127.0.0.1', 'Forwarded', 'for=127.0.0.1', 'X-Token', TOKEN]],
  ])('keeps out %s', (_, headers) => {
    expect(codeFor([...HOST, ...headers])).toBe('UNAUTHORIZED');
  });

  it('does not look for it in the query', () => {
    expect(codeFor(HOST, `/api/sessions?token=${TOKEN}`)).toBe('UNAUTHORIZED');
  });

  it.each([
    ['GET', '/api/health'],
    ['GET', '/api/health?x=/api/sessions'],
    ['GET', '/api/readiness'],
    ['GET', '/api/version'],
    ['POST', '/api/handshake'],
    // Nothing to protect on these paths: the answer is 405.
    ['POST', '/api/health'],
    ['GET', '/api/handshake'],
  ])('asks for none at %s %s', (method, target) => {
    expect(codeFor(HOST, target, method)).toBeUndefined();
  });

  it.each([
    ['/api/health/'],
    ['/api/health/x'],
    ['/api/health#x'],
    ['/api/%68ealth'],
    ['/API/health'],
    ['//api/health'],
    ['/api/admin/../health'],
    ['/api/admin/shutdown?/api/health'],
    ['/nothing'],
    ['/'],
  ])('asks for one at %s', (target) => {
    expect(codeFor(HOST, target)).toBe('UNAUTHORIZED');
  });
});

it('looks at the host before the origin, and at the origin before the token', () => {
  expect(codeFor(['Host', 'evil.com', 'Origin', 'http://evil.com'])).toBe('BAD_HOST');
  expect(codeFor([...HOST, 'Origin', 'http://evil.com'])).toBe('BAD_ORIGIN');
});
