import { statSync } from 'node:fs';
import { daemonPolicy, inspectEnv } from '@cm/env-sanitizer';
import { type Check, type CheckResult, runDoctor } from '@cm/health';
import type { PidFileInspection } from '@cm/pid-file';
import { type DataDirectory, type DoctorBody, PROTOCOL } from '../contract/index.js';
import type { SupervisorFacts } from './create-supervisor.js';
import { crashesCheck, restartsCheck } from './failing-processes.js';
import { lastHookError } from './last-hook-error.js';
import { deadPidsIn, type LeftBehind, leftBehindCheck, NOTHING_ON_RECORD } from './left-behind-check.js';
import { NOTHING_LEFT, tellRecovery } from './recovery.js';

/** What the doctor is told; without `worker` the daemon is down. */
export interface DoctorInput {
  readonly dataDirectory: DataDirectory;
  readonly pidFile: PidFileInspection;
  readonly claim: DoctorBody['claim'];
  readonly containment: DoctorBody['containment'];
  /** The environment of the worker, or, when it is down, of whoever asks. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** What is on record while there is no worker to ask. */
  readonly left?: LeftBehind;
  /** Why a worker cannot be asked that seems to be there. */
  readonly silent?: string;
  readonly worker?: {
    readonly facts: SupervisorFacts;
    readonly supervisor: Omit<DoctorBody['supervisor'], 'running' | 'dataDir'>;
  };
}

const pass = (detail: string): CheckResult => ({ status: 'pass', detail });
const warn = (detail: string, fix?: string): CheckResult => ({ status: 'warn', detail, ...(fix ? { fix } : {}) });
const fail = (detail: string, fix: string): CheckResult => ({ status: 'fail', detail, fix });

/** Whether group or others may do anything with a file; undefined when it does not exist. */
const isLoose = (path: string): boolean | undefined => {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : (stats.mode & 0o077) !== 0;
};

const pids = (list: readonly number[]): string => list.join(', ');

const privacy = (id: string, path: string, fix: string): Check => ({
  id,
  run: () => {
    const loose = isLoose(path);
    if (loose === undefined) return pass(`${path} does not exist yet`);
    return loose ? fail(`${path} can be reached by other users`, fix) : pass(`${path} is private`);
  },
});

const storageChecks = ({ dataDirectory: { path, token } }: DoctorInput): Check[] => [
  privacy('data-directory', path, `chmod 700 ${path}`),
  privacy('token', token, `rm ${token}; cm-worker restart`),
];

const pidFileCheck = ({ pidFile, worker }: DoctorInput): Check => ({
  id: 'pid-file',
  run: () => {
    const detail = `worker.pid is ${pidFile.status}${'reason' in pidFile && pidFile.reason ? `: ${pidFile.reason}` : ''}`;
    if (worker === undefined) {
      if (pidFile.status === 'missing' || pidFile.status === 'alive') return pass(detail);
      if (pidFile.status === 'unknown') {
        return fail(
          detail,
          'stop the worker on the machine or container that uses it; if that is gone, remove worker.pid',
        );
      }
      return warn(detail, 'the next start replaces it: cm-worker start');
    }
    if (pidFile.status !== 'alive') return fail(detail, 'cm-worker restart');
    return pidFile.record.instanceId === worker.supervisor.instanceId
      ? pass(detail)
      : fail('worker.pid names another process, and this worker cannot be found by it', 'remove worker.pid');
  },
});

const runningChecks = ({ worker, silent, left = NOTHING_ON_RECORD }: DoctorInput): Check[] => {
  if (worker === undefined && silent !== undefined) {
    return [
      { id: 'worker', run: () => fail(silent, 'cm-worker stop --force ends one of this machine, and what it runs') },
    ];
  }
  if (worker === undefined) {
    return [{ id: 'worker', run: () => warn('no worker is running', 'cm-worker start') }, leftBehindCheck(left)];
  }
  const { facts } = worker;
  const { spool } = facts;
  return [
    {
      id: 'worker',
      run: () => (facts.state === 'ready' ? pass('ready') : fail(`the worker is ${facts.state}`, 'cm-worker restart')),
    },
    {
      id: 'registry',
      run: () => {
        if (facts.registry.status !== 'ok')
          return fail(`degraded: ${facts.registry.reason}`, 'free space, then cm-worker restart');
        return facts.quarantined.length > 0
          ? warn(`damaged parts were set aside: ${facts.quarantined.join(', ')}`)
          : pass('every row is on record');
      },
    },
    {
      id: 'dead-processes',
      run: () =>
        facts.deadProcessPids.length === 0
          ? pass('no row names a dead process')
          : warn(`dead: ${pids(facts.deadProcessPids)}`, 'the next sweep removes them, within 30 s'),
    },
    {
      id: 'survivors',
      run: () =>
        facts.survivors.length === 0
          ? pass('nothing outlived its stop')
          : fail(`still alive after SIGKILL: ${pids(facts.survivors)}`, 'see what holds them: cat /proc/PID/stack'),
    },
    {
      id: 'recovery',
      run: () => {
        const { recovery = NOTHING_LEFT } = facts;
        const story = tellRecovery(recovery);
        if (recovery.survivors.length > 0) return fail(story, 'see what holds them: cm-worker ps');
        return recovery.unknown.length > 0
          ? warn(story, 'look at them, and end them yourself if they are yours')
          : pass(story);
      },
    },
    {
      id: 'guardian',
      run: () => {
        const { status, detail } = facts.guardian;
        return status === 'lost' ? warn(detail, 'wait a moment; if it stays lost, cm-worker restart') : pass(detail);
      },
    },
    restartsCheck(facts),
    crashesCheck(facts),
    {
      id: 'spool',
      run: () => {
        const detail = `${spool.depth} events wait`;
        if (spool.lastError !== null) return warn(`${detail}; ${spool.lastError}`);
        return pass(detail);
      },
    },
  ];
};

const environmentCheck = (strippedKeys: readonly string[], { worker }: DoctorInput): Check => ({
  id: 'environment',
  run: () =>
    strippedKeys.length === 0 || worker === undefined
      ? pass('no marker of an agent session')
      : warn(
          `the worker itself carries ${strippedKeys.join(', ')}; its children do not`,
          'start it with cm-worker start, which cleans its environment',
        ),
});

const percentile95 = (values: readonly number[]): number | null =>
  values.length === 0 ? null : ([...values].sort((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1] ?? null);

/** The report that a person reads first. Names keys and pids, never values. */
export const examine = async (input: DoctorInput): Promise<DoctorBody> => {
  const { worker, pidFile, dataDirectory } = input;
  // The same predicate as the sanitizer's, preserve list included (R3).
  const strippedKeys = inspectEnv(input.env, daemonPolicy).removed.map(({ key }) => key);
  const record = 'record' in pidFile ? pidFile.record : undefined;
  const hookError = lastHookError(dataDirectory.hookLog);
  const { checks } = await runDoctor([
    ...runningChecks(input),
    pidFileCheck(input),
    ...storageChecks(input),
    {
      id: 'containment',
      run: () => {
        const { tier, why } = input.containment;
        return tier === 'none' ? fail(why, 'use --containment auto or group') : pass(`${tier}: ${why}`);
      },
    },
    environmentCheck(strippedKeys, input),
    {
      id: 'hooks',
      run: () => (hookError === null ? pass('no hook has complained') : warn(`the last complaint: ${hookError}`)),
    },
  ]);
  const facts = worker?.facts;
  const left = input.left?.status === 'read' ? input.left.processes : [];
  return {
    supervisor: {
      running: worker !== undefined,
      state: 'not running',
      pid: null,
      instanceId: null,
      startedAt: null,
      uptimeSeconds: null,
      port: null,
      ...worker?.supervisor,
      dataDir: dataDirectory.path,
    },
    claim: input.claim,
    pidFile: {
      status: pidFile.status,
      pid: record?.pid ?? null,
      holder: record === undefined ? null : `pid ${record.pid}, port ${record.port}, since ${record.startedAt}`,
    },
    containment: input.containment,
    guardian: facts?.guardian ?? { status: 'absent', detail: 'there is one while the worker runs' },
    processes: facts?.processes ?? left,
    sessions: facts?.sessions ?? [],
    health: {
      deadProcessPids: facts?.deadProcessPids ?? deadPidsIn(left),
      survivors: facts?.survivors ?? [],
      envClean: strippedKeys.length === 0,
      strippedKeys,
      checks,
    },
    spool: facts?.spool ?? { depth: 0, bytes: 0, lastError: null },
    hooks: {
      lastEventAt: facts?.lastEventAt ?? null,
      p95Ms: percentile95(facts?.hookLatenciesMs ?? []),
      lastError: hookError,
    },
    storage: {
      registry: {
        status: facts?.registry.status ?? 'closed',
        bytes: (facts?.registryFiles ?? []).reduce((sum, { bytes }) => sum + bytes, 0),
        quarantined: facts?.quarantined ?? [],
      },
      events: facts?.events ?? { rows: 0, bytes: 0 },
    },
    versions: {
      worker: worker === undefined ? null : input.version,
      artifact: input.version,
      protocol: PROTOCOL,
      node: process.version,
    },
  };
};
