import { existsSync } from 'node:fs';
import { inspectPidFile } from '@cm/pid-file';
import { acquireLock } from '@cm/pid-file/lock';
import { isProcessRegistryError } from '@cm/process-registry';
import { createProcessTable, type ProcessTable } from '@cm/process-table';
import { probeContainment } from '@cm/shutdown-cascade';
import { findWorker, type WorkerSighting } from '../../client/index.js';
import { type DataDirectory, type DoctorBody, ROUTES } from '../../contract/index.js';
import { examine } from '../../supervisor/doctor.js';
import type { LeftBehind } from '../../supervisor/left-behind-check.js';
import { leftOnRecord } from '../../supervisor/left-on-record.js';
import { type CommonOptions, dataDirectoryOf } from '../common-options.js';
import { connectionTo, PATIENCE_MS } from '../connect.js';
import { duration, plain } from '../format.js';
import { EXIT, type Terminal } from '../terminal.js';

const lookAtClaim = async ({ path }: DataDirectory): Promise<DoctorBody['claim']> => {
  if (!existsSync(path)) return { status: 'free', by: null, detail: 'the data directory does not exist yet' };
  const tried = await acquireLock(path, 'claim');
  switch (tried.status) {
    case 'acquired':
      await tried.lock.release();
      return { status: 'free', by: null, detail: 'nobody holds the kernel lock' };
    case 'held':
      return { status: 'held', by: null, detail: 'somebody holds the kernel lock, but cannot be talked to' };
    case 'failed':
      return { status: 'unknown', by: null, detail: tried.reason };
  }
};

const lookAtRecord = async (dataDirectory: DataDirectory, table: ProcessTable): Promise<LeftBehind> => {
  try {
    return { status: 'read', ...(await leftOnRecord(dataDirectory, table)) };
  } catch (error) {
    if (!isProcessRegistryError(error)) throw error;
    return { status: 'unreadable', reason: error.message };
  }
};

/** The same report from outside, when the worker cannot give it. */
const examineFromOutside = async (
  dataDirectory: DataDirectory,
  terminal: Terminal,
  found: Exclude<WorkerSighting, { status: 'running' }>,
): Promise<DoctorBody> => {
  const table = createProcessTable();
  return examine({
    dataDirectory,
    env: terminal.env,
    version: terminal.version,
    pidFile: await inspectPidFile(dataDirectory.pidFile, { table, dataDir: dataDirectory.path }),
    claim: await lookAtClaim(dataDirectory),
    containment: probeContainment(),
    left: await lookAtRecord(dataDirectory, table),
    ...(found.status === 'absent' ? {} : { silent: found.reason }),
  });
};

const MARKS = { pass: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

const describe = (report: DoctorBody): string[] => {
  const { supervisor, claim, containment, guardian, health, hooks, versions } = report;
  return [
    supervisor.running
      ? `worker       ${supervisor.state}, pid ${supervisor.pid}, port ${supervisor.port}, up ${duration(supervisor.uptimeSeconds ?? 0)}`
      : 'worker       not running',
    `data         ${supervisor.dataDir}`,
    `claim        ${claim.status}: ${claim.detail}`,
    `containment  ${containment.tier}: ${containment.why}`,
    ...containment.canMiss.map((what) => `             can miss: ${what}`),
    `guardian     ${guardian.status}: ${guardian.detail}`,
    `sessions     ${report.sessions.length}, with ${report.processes.length} processes`,
    `events       ${report.storage.events.rows} on record, last ${plain(hooks.lastEventAt ?? 'never')}`,
    `versions     worker ${versions.worker ?? '–'}, artifact ${versions.artifact}, protocol ${versions.protocol}, Node ${versions.node}`,
    '',
    ...health.checks.flatMap(({ id, status, detail, fix }) => [
      `${MARKS[status]}  ${id}: ${plain(detail, 400)}`,
      ...(fix === undefined ? [] : [`      → ${plain(fix, 400)}`]),
    ]),
  ];
};

export const doctor = async (options: CommonOptions, terminal: Terminal): Promise<number> => {
  const dataDirectory = dataDirectoryOf(options, terminal);
  const found = await findWorker(dataDirectory, PATIENCE_MS);
  const report =
    found.status === 'running'
      ? ((await connectionTo(found.record, dataDirectory).call({ route: ROUTES.doctor })) as DoctorBody)
      : await examineFromOutside(dataDirectory, terminal, found);
  terminal.print(options.json === true ? JSON.stringify(report) : describe(report).join('\n'));
  return report.health.checks.some(({ status }) => status === 'fail') ? EXIT.failed : EXIT.done;
};
