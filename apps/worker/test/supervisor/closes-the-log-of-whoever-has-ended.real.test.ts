import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../../../../tools/testing/eventually.js';
import { listIn, putSession, spawnIn, startWorker } from '../support-api.js';

/** The logs of rows that this process has open. */
const openLogs = (logs: string): string[] =>
  readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const path = readlinkSync(join('/proc/self/fd', descriptor));
      return path.startsWith(join(logs, 'p')) ? [path] : [];
    } catch {
      return [];
    }
  });

test.skipIf(process.platform !== 'linux')(
  'no log stays open of children that end at once and say nothing, nor of those that are to outlive the worker (fault 46)',
  async () => {
    await using on = await startWorker();
    await putSession(on, 's');
    for (let n = 0; n < 20; n += 1) {
      await spawnIn(on, 's', { name: `silent ${n}`, command: 'true' });
      await spawnIn(on, 's', { name: `kept ${n}`, command: 'true', onWorkerDeath: 'keep' });
    }
    await spawnIn(on, 's', { name: 'talks', command: 'sh', args: ['-c', 'echo hello'] });
    await eventually('all of them have ended', async () => {
      return listIn((await on.call('GET', '/api/processes')).body, 'processes').length === 0;
    });
    await eventually('their logs are closed', () => openLogs(on.dataDirectory.logs).length === 0);
    expect(readdirSync(on.dataDirectory.logs).filter((name) => name.startsWith('p')).length).toBeGreaterThan(0);
  },
);
