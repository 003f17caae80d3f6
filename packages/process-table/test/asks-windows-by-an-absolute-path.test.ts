import { expect, test } from 'vitest';
import { createQueryCim, POWERSHELL_ARGUMENTS, powershellPath } from '../src/windows/query-cim.js';

test('the program is the one of Windows itself', () => {
  expect(powershellPath('C:\\Windows')).toBe('C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe');
});

test('PowerShell loads no profile and asks nobody', () => {
  expect(POWERSHELL_ARGUMENTS).toEqual(expect.arrayContaining(['-NoProfile', '-NonInteractive', '-Command']));
});

test('the question names every property that is parsed', () => {
  for (const property of [
    'ProcessId',
    'ParentProcessId',
    'CreationTicks',
    'Name',
    'CommandLine',
    'WorkingSetSize',
    'KernelModeTime',
    'UserModeTime',
    'MachineGuid',
    'Processes',
  ]) {
    expect(POWERSHELL_ARGUMENTS.at(-1)).toContain(property);
  }
});

test('where there is no PowerShell, it fails with a code', async () => {
  const query = createQueryCim({ systemRoot: '/nowhere', timeoutMs: 1000 });
  await expect(query()).rejects.toMatchObject({ code: 'cim-failed' });
});
