import { expect, test } from 'vitest';
import { createProcessTable } from '../src/index.js';

const codeOf = (platform: NodeJS.Platform): Promise<unknown> =>
  createProcessTable({ platform })
    .list()
    .then(
      () => 'listed',
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
    );

test.each(['darwin', 'freebsd', 'openbsd', 'netbsd', 'sunos', 'aix'] as const)('%s has ps', async (platform) => {
  // Here is another ps, or none: it may fail, but it is asked.
  expect(['listed', 'ps-failed']).toContain(await codeOf(platform));
});

test.skipIf(process.platform === 'win32')('win32 has CIM', async () => {
  expect(await codeOf('win32')).toBe('cim-failed');
});

test.each(['haiku', 'cygwin', 'android'] as const)('%s has none', async (platform) => {
  expect(await codeOf(platform)).toBe('unsupported-platform');
});
