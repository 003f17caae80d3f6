import { describe, expect, it } from 'vitest';
import { ROUTES, routePath, routesAt, workerUrl } from '../../src/contract/index.js';
import { SCHEMAS } from '../../src/server/schemas.js';
import { field } from '../support-api.js';

describe('routes', () => {
  it('are those of this version', () => {
    const all = Object.values(ROUTES).map(({ method, path, open }) => `${method} ${path}${open ? ' (open)' : ''}`);
    expect(all.sort()).toEqual([
      'DELETE /api/processes/:id',
      'DELETE /api/sessions/:id',
      'GET /api/admin/doctor',
      'GET /api/events',
      'GET /api/health (open)',
      'GET /api/processes',
      'GET /api/processes/:id',
      'GET /api/readiness (open)',
      'GET /api/sessions',
      'GET /api/sessions/:id',
      'GET /api/version (open)',
      'POST /api/admin/restart',
      'POST /api/admin/shutdown',
      'POST /api/events',
      'POST /api/handshake (open)',
      'POST /api/sessions/:id/adopt',
      'POST /api/sessions/:id/processes',
      'PUT /api/sessions/:id',
    ]);
  });

  it('are found by path, whatever stands in a segment', () => {
    const methodsAt = (path: string): string[] => routesAt(path).map(({ method }) => method);
    expect(methodsAt('/api/sessions/a%2Fb')).toEqual(['PUT', 'GET', 'DELETE']);
    expect(methodsAt('/api/sessions/x/processes')).toEqual(['POST']);
    expect(methodsAt('/api/events')).toEqual(['POST', 'GET']);
    for (const path of [
      '/api/sessions/',
      '/api/sessions/a/b',
      '/api/sessions/a/adopt/',
      '/api/eventsx',
      'x/api/events',
    ]) {
      expect(methodsAt(path), path).toEqual([]);
    }
  });

  it('never act on a GET (field failure 88)', () => {
    for (const path of ['/api/admin/shutdown', '/api/admin/restart', '/api/handshake', '/api/sessions/s/processes']) {
      expect(routesAt(path).map(({ method }) => method)).toEqual(['POST']);
    }
  });
});

describe('URLs come from one builder (R32, field failures 34, 35)', () => {
  it('name the loopback literal, and bracket IPv6', () => {
    expect(workerUrl(4000, '/api/health')).toBe('http://127.0.0.1:4000/api/health');
    expect(workerUrl(4000)).toBe('http://127.0.0.1:4000/');
    expect(workerUrl(4000, '/x', '::1')).toBe('http://[::1]:4000/x');
  });

  it.each([['a/b'], ['100%'], ['%2F'], ['ünï'], ['?#;'], [' '], ['..'], ['__proto__']])('encode the id %s', (id) => {
    const path = routePath(ROUTES.getSession.path, { id });
    const segment = path.slice('/api/sessions/'.length);
    expect(routesAt(path)).toHaveLength(3);
    expect(decodeURIComponent(segment)).toBe(id);
  });
});

describe('shapes', () => {
  it('refuse what they do not name, in every body and query', () => {
    for (const [name, { body, querystring }] of Object.entries(SCHEMAS)) {
      expect(field(body ?? querystring, 'additionalProperties'), name).toBe(false);
    }
  });

  it.each([
    ['putSession', ['cwd', 'metadata', 'owner'], []],
    [
      'spawnProcess',
      [
        'args',
        'command',
        'cwd',
        'env',
        'envProfile',
        'graceMs',
        'killWaitMs',
        'name',
        'onDuplicate',
        'onWorkerDeath',
        'ready',
        'restart',
        'stdin',
        'stopSignal',
        'type',
      ],
      ['command', 'name'],
    ],
    ['adoptProcess', ['name', 'pid', 'startToken', 'type'], ['name', 'pid']],
    [
      'postEvent',
      ['agent', 'at', 'event', 'id', 'ownerPid', 'ownerStartToken', 'payload', 'sessionId', 'truncated'],
      ['agent', 'at', 'event', 'id', 'payload', 'sessionId'],
    ],
    ['shutdown', ['force', 'reason'], []],
    ['handshake', ['client'], ['client']],
  ] as const)('of %s are those of the contract', (name, properties, required) => {
    const { body } = SCHEMAS[name];
    expect(Object.keys(field(body, 'properties') ?? {}).sort()).toEqual(properties);
    expect([field(body, 'required')].flat().sort()).toEqual(required);
  });
});
