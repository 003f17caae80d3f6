import { createProcessTable } from '@cm/process-table';
import { describe, expect, it } from 'vitest';
import { startProcess } from '../../../tools/testing/real-process.js';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { openProcessRegistry } from '../src/index.js';
import { built, fixture } from './built.js';

interface Said {
  readonly id: string;
  readonly pid: number;
}

const isSaid = (value: unknown): value is Said =>
  typeof value === 'object' && value !== null && 'id' in value && 'pid' in value && typeof value.pid === 'number';

/** Starts a worker, lets it go as far as told with one child, and kills it there. */
const killWorkerAt = async (stage: string, directory: string): Promise<Said> => {
  await using bundle = await built();
  const args = [fixture('spawn-and-wait.mjs'), bundle.module, directory, stage];
  await using worker = await startProcess(process.execPath, args);
  const said: unknown = JSON.parse(await worker.line());
  if (!isSaid(said)) throw new Error('the worker said something else');
  worker.child.kill('SIGKILL');
  await worker.exit;
  return said;
};

describe.skipIf(process.platform !== 'linux')('a worker killed by SIGKILL (fault 11)', () => {
  it.each([
    ['intent', 'intended', 'dead', false],
    ['spawned', 'intended', 'alive', true],
    ['recorded', 'running', 'alive', false],
  ])('after "%s" leaves a row that is %s, and its process is %s', async (stage, rowStatus, status, byCookie) => {
    await using temporary = await temporaryDirectory();
    const { id, pid } = await killWorkerAt(stage, temporary.path);
    try {
      const table = createProcessTable();
      await using registry = await openProcessRegistry({ directory: temporary.path, table });
      const [recovered, ...others] = await registry.recover();
      expect(others).toEqual([]);
      expect(recovered).toMatchObject({ row: { id, status: rowStatus }, status });
      expect(recovered?.found.map(({ identity }) => identity.pid)).toEqual(byCookie ? [pid] : []);
      expect(recovered?.row.identity?.pid).toBe(stage === 'recorded' ? pid : undefined);
      expect(await registry.pruneDeadEntries()).toEqual([]);
    } finally {
      if (pid > 1) process.kill(pid, 'SIGKILL');
    }
  });
});
