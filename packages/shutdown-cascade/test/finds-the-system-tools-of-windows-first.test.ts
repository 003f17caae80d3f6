import { expect, test } from 'vitest';
import { hardenWindowsPath } from '../src/index.js';

test('the system directory comes first, and nothing is run from the working directory', () => {
  expect(hardenWindowsPath({ SystemRoot: 'D:\\Win', Path: 'C:\\evil;C:\\tools' })).toEqual({
    Path: 'D:\\Win\\System32;C:\\evil;C:\\tools',
    NoDefaultCurrentDirectoryInExePath: '1',
  });
});

test('names are taken as they are spelled, and nothing is there twice', () => {
  const env = {
    SYSTEMROOT: 'C:\\Windows',
    PATH: 'C:\\x;c:\\windows\\system32;',
    nodefaultcurrentdirectoryinexepath: '0',
  };
  expect(hardenWindowsPath(env)).toEqual({
    PATH: 'C:\\Windows\\System32;C:\\x',
    nodefaultcurrentdirectoryinexepath: '1',
  });
  expect(env.PATH).toContain('C:\\x;');
});

test('without a SystemRoot the usual one is meant, and without a path there is one', () => {
  expect(hardenWindowsPath({})).toEqual({
    Path: 'C:\\Windows\\System32',
    NoDefaultCurrentDirectoryInExePath: '1',
  });
});
