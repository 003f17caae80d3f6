import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import { parseConfig, readConfig } from '../../src/settings/read-config.js';
import { SettingsError } from '../../src/settings/settings.js';

const problem = (text: string): string => {
  try {
    parseConfig(text, '/c.json');
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return 'none';
};

test('every key that there is, with a value it may have', () => {
  const config = {
    port: 40_000,
    containment: 'group',
    logLevel: 'debug',
    disabled: true,
    sweepIntervalMs: 1,
    ownerIntervalMs: 1_000,
    childrenStopMs: 86_400_000,
    httpStopMs: 5,
    eventsMaxBytes: 65_536,
    eventsMaxAgeDays: 1,
    maxProcesses: 0,
    restartBackoffMs: 1,
    restartBackoffMaxMs: 1,
    restartIntensity: 1,
    restartPeriodMs: 1,
    guardian: false,
  };
  expect(parseConfig(JSON.stringify(config), '/c.json')).toEqual(config);
  expect(parseConfig('{}', '/c.json')).toEqual({});
});

test.each([
  ['{\n  "prot": 1\n}', 2, 'unknown key "prot"; known are port, containment'],
  ['{"__proto__": {}}', 1, 'unknown key "__proto__"'],
  ['{\n\n\n  "port": "40000" }', 4, '"port" must be a whole number from 1 to 65535'],
  ['{"port": 0}', 1, '"port" must be'],
  ['{"port": 65536}', 1, '"port" must be'],
  ['{"port": 80.5}', 1, '"port" must be'],
  ['{"port": null}', 1, '"port" must be'],
  ['{"containment": "jail"}', 1, '"containment" must be one of auto, cgroup, group'],
  ['{\n"port":\n[1]\n}', 3, '"port" must be'],
  ['{"disabled": "yes"}', 1, '"disabled" must be true or false'],
  ['{"sweepIntervalMs": 0}', 1, '"sweepIntervalMs" must be'],
  ['{"eventsMaxBytes": 1}', 1, '"eventsMaxBytes" must be'],
  ['{"maxProcesses": -1}', 1, '"maxProcesses" must be a whole number from 0'],
  ['{"restartIntensity": 0}', 1, '"restartIntensity" must be a whole number from 1'],
  ['{"restartBackoffMs": 0}', 1, '"restartBackoffMs" must be'],
  ['{"guardian": 1}', 1, '"guardian" must be true or false'],
  ['{\n  "port": 1,\n}', 3, 'not JSON'],
  ['{\n  // a comment\n}', 2, 'not JSON'],
  ['', 1, ''],
  ['[]', 1, 'a JSON object is expected'],
  ['"port"', 1, 'a JSON object is expected'],
])('%j: line %i, %s', (text, line, what) => {
  expect(problem(text)).toContain(`/c.json, line ${line}: ${what}`);
});

test('no file is no config; one that cannot be read is no matter of its content; a BOM is nothing', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'config.json');
  expect(readConfig(path)).toEqual({});
  writeFileSync(path, '\uFEFF{"port": 41000}');
  expect(readConfig(path)).toEqual({ port: 41_000 });
  const inTheWay = join(directory.path, 'directory');
  mkdirSync(inTheWay);
  expect(() => readConfig(inTheWay)).toThrow(`${inTheWay} cannot be read`);
  expect(() => readConfig(inTheWay)).not.toThrow(SettingsError);
});
