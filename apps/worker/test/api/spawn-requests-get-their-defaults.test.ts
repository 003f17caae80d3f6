import { expect, it } from 'vitest';
import { type SpawnBody, toSpawnRequest } from '../../src/server/spawn-body.js';
import { isWorkerError } from '../../src/supervisor/errors.js';

const refusalOf = (body: Partial<SpawnBody>): { readonly code: string; readonly details: unknown } | undefined => {
  try {
    toSpawnRequest({ name: 'n', command: 'c', ...body });
    return undefined;
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    return { code: error.code, details: error.details };
  }
};

it('fills in what the contract promises', () => {
  expect(toSpawnRequest({ name: 'n', command: 'c' })).toEqual({
    name: 'n',
    command: 'c',
    args: [],
    cwd: '',
    env: {},
    type: 'process',
    restart: 'temporary',
    stopSignal: 'SIGTERM',
    graceMs: 5000,
    killWaitMs: 1000,
    onDuplicate: 'error',
    onWorkerDeath: 'kill',
  });
});

it('keeps what was asked for (R22)', () => {
  const asked = {
    name: 'n',
    command: 'c',
    args: ['-a', ''],
    cwd: '/tmp',
    env: { A: '' },
    type: 'mcp',
    restart: 'transient',
    stopSignal: 'SIGINT',
    graceMs: 0,
    killWaitMs: 0,
    onDuplicate: 'replace',
    onWorkerDeath: 'keep',
  } as const;
  expect(toSpawnRequest(asked)).toEqual(asked);
});

it.each([
  ['envProfile', { envProfile: 'x' }],
  ['stdin', { stdin: 'pipe' }],
  ['ready', { ready: {} }],
] as const)('refuses %s rather than ignoring it (R22)', (name, body) => {
  expect(refusalOf(body)).toEqual({ code: 'NOT_IN_THIS_VERSION', details: { fields: [name] } });
});

it('names everything that is not there yet at once', () => {
  expect(refusalOf({ stdin: 'pipe', ready: {} })?.details).toEqual({ fields: ['stdin', 'ready'] });
});

it('takes the defaults when they are spelled out', () => {
  expect(refusalOf({ restart: 'temporary', stdin: 'ignore', onWorkerDeath: 'kill' })).toBeUndefined();
});

it.each([['SIGWINCH'], ['SIGSTOP'], ['TERM'], ['15'], ['sigterm']])('does not stop anything with %s', (stopSignal) => {
  expect(refusalOf({ stopSignal })?.code).toBe('INVALID');
});
