import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { callWorker, ensureWorker, readToken } from '@cm/worker/client';
import { dataDirectoryAt, ROUTES } from '@cm/worker/contract';
import { remember, temporaryDirectory } from './mark.mjs';
import { isAlive, statOf } from './proc.mjs';

const entry = fileURLToPath(new URL('../../apps/worker/dist/cm-worker.js', import.meta.url));
const SESSION = 'benchmark';

/** Its guardian may be on its way when the worker is ready. `absent` is final. */
const untilGuarded = async (ask) => {
  for (let look = 0; ; look += 1) {
    const { status } = (await ask()).guardian;
    if (status === 'running' || status === 'absent' || look === 100) return status;
    await pause(20);
  }
};

/** A built worker on a data directory of its own, and what its doctor says of its guardian. */
export const startWorker = async ({ containment }) => {
  const dataDirectory = dataDirectoryAt(realpathSync(mkdtempSync(join(temporaryDirectory(), 'worker-'))));
  const ensured = await ensureWorker({
    dataDirectory,
    artifact: { entry },
    env: process.env,
    containment,
    onSpawn: remember,
  });
  if (ensured.status !== 'ready') throw new Error(`no worker: ${ensured.reason}`);
  const { record } = ensured;
  remember(record.pid);
  const row = statOf(record.pid);
  const token = readToken(dataDirectory);
  const call = async (route, more = {}) => {
    const answer = await callWorker(record, token, { route, ...more });
    if (!answer.ok) throw new Error(`the worker answers ${answer.error.code}: ${answer.error.message}`);
    return answer.body;
  };
  const guardian = await untilGuarded(() => call(ROUTES.doctor));
  return {
    pid: record.pid,
    guardian,
    startChildren: async (count) => {
      await call(ROUTES.putSession, { parameters: { id: SESSION }, body: {} });
      const pids = [];
      for (let at = 1; at <= count; at += 1) {
        const body = { name: `child-${at}`, command: 'sleep', args: ['60'] };
        const { pid } = await call(ROUTES.spawnProcess, { parameters: { id: SESSION }, body });
        remember(pid);
        pids.push(pid);
      }
      return pids;
    },
    end: async () => {
      if (row !== undefined && isAlive(row)) await call(ROUTES.shutdown).catch(() => {});
      for (let look = 0; look < 200 && row !== undefined && isAlive(row); look += 1) {
        await pause(10);
      }
      rmSync(dataDirectory.path, { recursive: true, force: true });
    },
  };
};
