import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { callWorker, ensureWorker, findWorker, readToken } from '@cm/worker/client';
import { dataDirectoryAt, ROUTES } from '@cm/worker/contract';
import { markedEnvironment, remember, temporaryDirectory } from './mark.mjs';
import { isAlive, statOf } from './proc.mjs';

const entry = fileURLToPath(new URL('../../apps/worker/dist/cm-worker.js', import.meta.url));
const SESSION = 'benchmark';

/** Its guardian may be on its way when the worker is ready. `absent` is final. */
const untilGuarded = async (ask) => {
  for (let look = 0; ; look += 1) {
    const { guardian } = await ask();
    if (guardian.status === 'running' || guardian.status === 'absent' || look === 100) return guardian;
    await pause(20);
  }
};

/** A verb of the built command, in a process of its own. */
export const runVerb = async (dataDirectory, ...args) => {
  const env = { ...markedEnvironment(), CM_DATA_DIR: dataDirectory.path };
  const child = spawn(process.execPath, [entry, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const said = [];
  child.stderr.on('data', (chunk) => said.push(chunk));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`cm-worker ${args.join(' ')} ends with ${code}: ${Buffer.concat(said)}`);
};

/** Makes sure that a worker that was started by a verb is ended, whatever happens. */
export const rememberWorker = async (dataDirectory) => {
  const found = await findWorker(dataDirectory, 1000);
  if (found.status === 'running') remember(found.record.pid);
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
    dataDirectory,
    guardian: guardian.status,
    guardianPid: guardian.pid,
    startChildren: async (count, args = ['60']) => {
      await call(ROUTES.putSession, { parameters: { id: SESSION }, body: {} });
      const pids = [];
      for (let at = 1; at <= count; at += 1) {
        const body = { name: `child-${at}`, command: 'sleep', args };
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
