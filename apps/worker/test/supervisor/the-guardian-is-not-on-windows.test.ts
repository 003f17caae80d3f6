import { systemClock } from '@cm/process-table';
import { expect, test } from 'vitest';
import { startGuardian } from '../../src/supervisor/guardian.js';
import { silentLog } from '../../src/supervisor/log.js';

test('there is none on Windows, and it says so', async () => {
  const guardian = startGuardian({
    registry: { getAll: () => expect.unreachable(), subscribe: () => expect.unreachable() },
    clock: systemClock,
    log: silentLog,
    dataDirectory: 'C:\\data',
    env: {},
    platform: 'win32',
  });
  expect(guardian.status()).toEqual({ status: 'absent', detail: expect.stringContaining('not on Windows') });
  await guardian.close();
});
