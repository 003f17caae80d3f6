import { expect, test } from 'vitest';
import { parsePort, resolveSettings, type SettingSources } from '../../src/settings/resolve-settings.js';
import { DEFAULTS, SettingsError } from '../../src/settings/settings.js';

const resolve = (sources: Partial<SettingSources> = {}) =>
  resolveSettings({ flags: {}, environment: {}, config: {}, ...sources });

test('nothing set: the defaults, all in one place (R9)', () => {
  expect(resolve()).toEqual({ ...DEFAULTS, port: { value: 37_777, exact: false } });
});

test('flag, environment, config.json, default: the first one counts, and only a flag makes a port exact', () => {
  const flags = { port: 1, containment: 'group' };
  const environment = { CM_WORKER_PORT: '2', CM_CONTAINMENT: 'cgroup', CM_LOG_LEVEL: 'warn' };
  const config = { port: 3, containment: 'auto', logLevel: 'debug', httpStopMs: 7 } as const;
  expect(resolve({ flags, environment, config })).toMatchObject({
    port: { value: 1, exact: true },
    containment: 'group',
    logLevel: 'warn',
    httpStopMs: 7,
  });
  expect(resolve({ environment, config })).toMatchObject({ port: { value: 2, exact: false }, containment: 'cgroup' });
  expect(resolve({ config })).toMatchObject({
    port: { value: 3, exact: false },
    containment: 'auto',
    logLevel: 'debug',
  });
});

test('an empty variable is not set', () => {
  const environment = { CM_WORKER_PORT: '', CM_CONTAINMENT: '', CM_LOG_LEVEL: '', CM_DISABLED: '' };
  expect(resolve({ environment, config: { port: 3 } })).toEqual({ ...DEFAULTS, port: { value: 3, exact: false } });
});

test('disabled by the environment or by config.json', () => {
  expect(resolve({ environment: { CM_DISABLED: '1' } }).disabled).toBe(true);
  expect(resolve({ config: { disabled: true } }).disabled).toBe(true);
  expect(resolve({ environment: { CM_DISABLED: '0' } }).disabled).toBe(false);
});

test.each(['abc', '0', '-1', '65536', '70000', '80.5', '1e3', ' 80', '0x50', '12abc', ''])('%j is no port', (text) => {
  expect(() => parsePort('--port', text)).toThrow(SettingsError);
  expect(() => parsePort('--port', text)).toThrow(/^--port must be a whole number from 1 to 65535, not /);
});

test('ports are 1 to 65535', () => {
  expect([parsePort('p', '1'), parsePort('p', '65535'), parsePort('p', '037')]).toEqual([1, 65_535, 37]);
});

test('a bad variable is named, even where a flag outranks it', () => {
  expect(() => resolve({ environment: { CM_WORKER_PORT: 'abc' } })).toThrow(/^CM_WORKER_PORT must be/);
  expect(() => resolve({ flags: { port: 1 }, environment: { CM_WORKER_PORT: 'abc' } })).toThrow('CM_WORKER_PORT');
  expect(() => resolve({ environment: { CM_CONTAINMENT: 'jail' } })).toThrow(/one of auto, cgroup, group, not "jail"/);
  expect(() => resolve({ environment: { CM_LOG_LEVEL: 'loud' } })).toThrow('CM_LOG_LEVEL');
});
