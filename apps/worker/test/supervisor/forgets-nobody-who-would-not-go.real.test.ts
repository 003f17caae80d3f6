import { join } from 'node:path';
import { openProcessRegistry } from '@cm/process-registry';
import { nodeJournalFs } from '@cm/process-registry/journal';
import { COOKIE_VARIABLE, createProcessTable, type ProcessTable, systemClock } from '@cm/process-table';
import { expect, test } from 'vitest';
import { eventually } from '../../../../tools/testing/eventually.js';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import { openChildOutput } from '../../src/supervisor/child-output.js';
import { createRowMembers } from '../../src/supervisor/row-members.js';
import { spawnProcess } from '../../src/supervisor/spawn-process.js';
import { SPAWN_DEFAULTS } from '../../src/supervisor/spawn-request.js';
import { createWorkerCgroup } from '../../src/supervisor/worker-cgroup.js';

test('a process that can neither be recorded nor stopped stays on record by its intent, and is told (R6, R13, fault 14)', async () => {
  await using directory = await temporaryDirectory();
  let full = false;
  const real = createProcessTable();
  // As one in uninterruptible sleep: signals are sent, and nothing comes of them.
  const table: ProcessTable = {
    ...real,
    signal: async () => ({ outcome: 'sent' }),
    signalGroup: async () => ({ outcome: 'sent' }),
  };
  const registry = await openProcessRegistry({
    directory: join(directory.path, 'registry'),
    table,
    fs: {
      ...nodeJournalFs,
      write: (descriptor, bytes) => {
        if (full) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        return nodeJournalFs.write(descriptor, bytes);
      },
    },
  });
  const containment = { tier: 'group', why: '', canMiss: [], tiers: [], insisted: false } as const;
  const warnings: object[] = [];
  const log = { debug: () => {}, info: () => {}, error: () => {}, warn: (facts: object) => void warnings.push(facts) };
  const row = registry.prepare({
    ...SPAWN_DEFAULTS,
    name: 'n',
    sessionId: 's',
    command: 'sleep',
    args: ['300'],
    cwd: '/',
    envKeys: [],
  });
  full = true;
  const spawning = spawnProcess(
    {
      registry,
      table,
      clock: systemClock,
      log,
      members: createRowMembers(table),
      watcher: { follow: () => {} },
      env: { PATH: process.env.PATH },
      openOutput: (rowId) => openChildOutput(directory.path, rowId),
      logs: directory.path,
      containment,
      workerCgroup: createWorkerCgroup(containment),
    },
    row,
    { ...SPAWN_DEFAULTS, name: 'n', command: 'sleep', args: ['300'], cwd: '/' },
  );
  const error: unknown = await spawning.catch((reason: unknown) => reason);
  const { found } = (await registry.recover())[0] ?? { found: [] };
  const [left] = found;
  try {
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(registry.getAll().map(({ id, status }) => [id, status])).toEqual([[row.id, 'survived']]);
    expect(found).toHaveLength(1);
    expect(left?.cookie, COOKIE_VARIABLE).toBe(row.cookie);
    expect(warnings).toEqual([{ row: row.id, name: 'n', pids: [left?.identity.pid] }]);
  } finally {
    if (left !== undefined) {
      await real.signal(left.identity, 'SIGKILL');
      await eventually('it is gone', async () => (await real.lookup(left.identity)).status === 'dead');
    }
    await registry.close();
  }
});
