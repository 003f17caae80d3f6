import { createProcessTable, type ProcessTable } from '@cm/process-table';
import { probeContainment } from '@cm/shutdown-cascade';
import { expect, it } from 'vitest';
import { startProcess } from '../../../../tools/testing/real-process.js';
import {
  field,
  isAlive,
  keysOf,
  listIn,
  putSession,
  spawnIn,
  startWorker,
  type TestWorker,
  VERSION,
} from '../support-api.js';

const examine = async (worker: TestWorker): Promise<unknown> => {
  const { status, body } = await worker.call('GET', '/api/admin/doctor');
  expect(status).toBe(200);
  return body;
};

const checkOf = (report: unknown, id: string): unknown =>
  listIn(report, 'health', 'checks').find((check) => field(check, 'id') === id);

it('answers in the shape of the contract', async () => {
  await using worker = await startWorker();
  await putSession(worker, 's');
  const { pid } = await spawnIn(worker, 's', { command: 'sleep', args: ['60'] });
  const report = await examine(worker);
  expect(keysOf(report)).toEqual([
    'claim',
    'containment',
    'guardian',
    'health',
    'hooks',
    'pidFile',
    'processes',
    'sessions',
    'spool',
    'storage',
    'supervisor',
    'versions',
  ]);
  expect(report).toMatchObject({
    supervisor: {
      running: true,
      state: 'ready',
      pid: process.pid,
      port: worker.port,
      dataDir: worker.dataDirectory.path,
    },
    claim: { status: 'held', by: process.pid },
    pidFile: { status: 'alive', pid: process.pid, holder: expect.stringContaining(`pid ${process.pid}`) },
    containment: {
      tier: probeContainment().tier,
      why: expect.stringMatching(/\S/),
      canMiss: [expect.stringMatching(/\S/)],
    },
    guardian: { status: 'running', pid: expect.any(Number) },
    processes: [{ pid, sessionId: 's', members: [pid] }],
    sessions: [{ id: 's', state: 'active', processes: 1 }],
    health: { deadProcessPids: [], survivors: [], envClean: true, strippedKeys: [] },
    spool: { depth: 0, bytes: 0, lastError: null },
    hooks: { lastEventAt: null, p95Ms: null },
    storage: { registry: { status: 'ok', quarantined: [] }, events: { rows: 0 } },
    versions: { worker: VERSION, artifact: VERSION, protocol: 1, node: process.version },
  });
  for (const check of listIn(report, 'health', 'checks')) {
    expect(field(check, 'id')).toMatch(/^[a-z-]+$/);
    expect(field(check, 'status')).toBe('pass');
    expect(field(check, 'detail')).toMatch(/\S/);
  }
  const ids = listIn(report, 'health', 'checks').map((check) => field(check, 'id'));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(expect.arrayContaining(['worker', 'registry', 'survivors', 'pid-file', 'token', 'environment']));
});

it('names markers in the worker’s environment by key, never by value (R3, R18, field failure 38)', async () => {
  await using worker = await startWorker({
    env: {
      CLAUDECODE: 'value-of-a-marker',
      CLAUDE_CODE_SESSION_ID: 'value-of-a-session',
      CM_SCOPE: 'value-of-a-scope',
      CLAUDE_CODE_OAUTH_TOKEN: 'value-of-a-credential',
    },
  });
  const report = await examine(worker);
  expect(field(report, 'health', 'envClean')).toBe(false);
  expect(listIn(report, 'health', 'strippedKeys')).toHaveLength(3);
  expect(new Set(listIn(report, 'health', 'strippedKeys'))).toEqual(
    new Set(['CLAUDECODE', 'CLAUDE_CODE_SESSION_ID', 'CM_SCOPE']),
  );
  expect(checkOf(report, 'environment')).toMatchObject({ status: 'warn' });
  expect(JSON.stringify(report)).not.toMatch(/value-of-/);
});

it('calls an environment clean that has nothing but credentials in it (field failures 38, 57)', async () => {
  await using worker = await startWorker({ env: { CLAUDE_CODE_OAUTH_TOKEN: 'value-of-a-credential' } });
  const report = await examine(worker);
  expect(field(report, 'health')).toMatchObject({ envClean: true, strippedKeys: [] });
  expect(JSON.stringify(report)).not.toContain('value-of-a-credential');
});

it('names the pids of rows whose process is dead, until they are swept (R4)', async () => {
  await using worker = await startWorker({ settings: { ownerIntervalMs: 3_600_000, sweepIntervalMs: 3_600_000 } });
  await using foreign = await startProcess('sleep', ['60']);
  await putSession(worker, 's');
  const adopted = await worker.call('POST', '/api/sessions/s/adopt', { pid: foreign.pid, name: 'guest' });
  expect(adopted.status).toBe(201);
  expect(field(await examine(worker), 'health', 'deadProcessPids')).toEqual([]);
  foreign.child.kill('SIGKILL');
  await foreign.exit;
  const report = await examine(worker);
  expect(field(report, 'health', 'deadProcessPids')).toEqual([foreign.pid]);
  expect(checkOf(report, 'dead-processes')).toMatchObject({ status: 'warn' });
  await worker.worker.supervisor.sweep();
  expect(field(await examine(worker), 'health', 'deadProcessPids')).toEqual([]);
});

it('names survivors, as the report of their stop and the log do (R6, R21)', async () => {
  const real = createProcessTable();
  let reaches = true;
  const table: ProcessTable = {
    ...real,
    signal: async (identity, signal) => (reaches ? real.signal(identity, signal) : { outcome: 'sent' }),
  };
  // What is in a cgroup is ended by the kernel, not by signals.
  await using worker = await startWorker({ table, settings: { containment: 'group' } });
  await putSession(worker, 's');
  const { id, pid } = await spawnIn(worker, 's', { command: 'sleep', args: ['60'], graceMs: 0, killWaitMs: 50 });
  reaches = false;
  const report = await worker.call('DELETE', '/api/sessions/s');
  expect(report.body).toMatchObject({ ok: false, targets: [{ outcome: 'survived' }], survivors: [{ id, pid }] });
  const unwell = await examine(worker);
  expect(field(unwell, 'health', 'survivors')).toEqual([pid]);
  expect(checkOf(unwell, 'survivors')).toMatchObject({ status: 'fail' });
  expect(worker.logged.filter((line) => line.includes('"level":"warn"') && line.includes(String(pid)))).not.toEqual([]);
  reaches = true;
  await worker.worker.supervisor.sweep();
  expect(isAlive(pid)).toBe(false);
  expect(field(await examine(worker), 'health', 'survivors')).toEqual([]);
});
