import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isProcessTableError } from '../src/index.js';
import { parseCim } from '../src/windows/parse-cim.js';

const fixture = (name: string): string => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');

describe('parseCim', () => {
  test('reads many processes, in pid order', () => {
    const { machineGuid, processes } = parseCim(fixture('win32-processes.txt'));
    expect(machineGuid).toBe('0b2e7f6a-1c0d-4b52-9c7b-6c1b0e5d2a11');
    expect(processes.map(({ pid }) => pid)).toEqual([0, 4, 812, 4980, 5120, 6432, 7012, 7400]);
    expect(processes.find(({ pid }) => pid === 6432)).toEqual({
      pid: 6432,
      ppid: 5120,
      startToken: '639028224900000000',
      name: 'node.exe',
      commandLine: '"C:\\Program Files\\nodejs\\node.exe" "C:\\Users\\Zoë\\server.js" --name="a b"',
      memoryBytes: 52428800,
      cpuMs: 625,
    });
  });

  test('reads what may not be seen as absent: a creation time, a command line', () => {
    const { processes } = parseCim(fixture('win32-processes.txt'));
    expect(processes[0]).toMatchObject({ pid: 0, startToken: '' });
    expect(processes[2]).toMatchObject({ pid: 812, commandLine: undefined });
  });

  test('reads 64-bit numbers that come as text', () => {
    expect(parseCim(fixture('win32-processes.txt')).processes.at(-1)).toMatchObject({ pid: 7400, cpuMs: 1000 });
  });

  test('fault 1: a parent younger than its child has only taken the pid of the real one', () => {
    const parents = new Map(parseCim(fixture('win32-processes.txt')).processes.map(({ pid, ppid }) => [pid, ppid]));
    expect(parents.get(7012)).toBe(6432);
    expect(parents.get(4980)).toBe(0);
    expect(parents.get(7400)).toBe(0);
    // The parent is not listed any more: no reason to doubt it.
    expect(parents.get(812)).toBe(640);
  });

  test('reads one process, which PowerShell does not write as a list, and a machine without an id', () => {
    const { machineGuid, processes } = parseCim(fixture('win32-one-process.txt'));
    expect(machineGuid).toBe('');
    expect(processes.map(({ pid }) => pid)).toEqual([6432]);
  });

  test.each([
    '',
    'Get-CimInstance : Access denied',
    'null',
    '[]',
    '{}',
    '{"Processes":[]}',
    '{"Processes":null}',
    '{"Processes":[{"Name":"x"}]}',
    '{"Processes":[{"ProcessId":"4"}]}',
    '{"Processes":[{"ProcessId":4',
  ])('fault 14: %j is an error, not an empty machine', (json) => {
    let thrown: unknown;
    try {
      parseCim(json);
    } catch (error) {
      thrown = error;
    }
    expect(isProcessTableError(thrown)).toBe(true);
    expect(thrown).toMatchObject({ code: 'cim-failed' });
  });
});
