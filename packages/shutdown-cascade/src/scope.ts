import { randomBytes } from 'node:crypto';
import {
  type Clock,
  compareIdentity,
  createProcessTable,
  isTargetPid,
  type ProcessIdentity,
  type ProcessRow,
  type ProcessTable,
  systemClock,
} from '@cm/process-table';
import { ShutdownCascadeError } from './errors.js';
import { membersOf } from './membership.js';
import type { CascadeReport } from './report.js';
import { type CascadeOptions, runShutdownCascade } from './shutdown-cascade.js';
import { type ContainedProcess, type ContainedSpawn, spawnContained } from './spawn-contained.js';
import type { StopTarget } from './target.js';

type StopTimes = Pick<StopTarget, 'stopSignal' | 'graceMs' | 'killWaitMs'>;

export interface ScopeOptions extends StopTimes {
  /** For the report. */
  readonly name?: string;
  /** Default: 16 random bytes, as hexadecimal digits. */
  readonly cookie?: string;
  readonly table?: ProcessTable;
  readonly clock?: Clock;
}

export interface Scope extends AsyncDisposable {
  readonly cookie: string;
  /** Starts a command inside the scope. Rejects with `spawn-failed`, or with `stopping` once a stop has begun. */
  spawn(command: string, args?: readonly string[], options?: ScopeSpawn): Promise<ContainedProcess>;
  /** Takes a running process in, by pid, once. Rejects with `not-found` when it may not be a target or its identity cannot be established. */
  adopt(pid: number): Promise<ProcessIdentity>;
  /** Every living member, found afresh. */
  members(): Promise<ProcessRow[]>;
  /** Stops everything, once: a second call returns the first one's report. */
  stop(options?: Pick<CascadeOptions, 'deadlineMs' | 'force' | 'onProgress'>): Promise<CascadeReport>;
}

export interface ScopeSpawn extends StopTimes {
  readonly cwd?: string;
  /** Default: this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdio?: ContainedSpawn['stdio'];
}

const definedOnly = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));

const never = (): ReadonlySet<number> => new Set([process.pid, process.ppid]);

/** A named set of processes that die together. */
export const createScope = (options: ScopeOptions = {}): Scope => {
  const { name = 'scope', table = createProcessTable(), clock = systemClock, ...times } = options;
  const cookie = options.cookie ?? randomBytes(16).toString('hex');
  const targets: StopTarget[] = [];
  const starting = new Set<Promise<ContainedProcess>>();
  let stopping: Promise<CascadeReport> | undefined;

  const assertOpen = (): void => {
    if (stopping !== undefined) throw new ShutdownCascadeError('stopping', `${name} is stopping: nothing can be added`);
  };
  const add = (target: Omit<StopTarget, 'id' | 'order'>): void => {
    targets.push({ ...times, ...target, id: `${name}/${targets.length + 1}`, order: targets.length });
  };

  const run: Scope['stop'] = async (stopOptions) => {
    // What the system is starting just now is stopped like everything else.
    await Promise.allSettled(starting);
    return runShutdownCascade(targets, { table, clock, ...stopOptions });
  };
  const stop: Scope['stop'] = (stopOptions = {}) => {
    stopping ??= run(stopOptions);
    return stopping;
  };
  return {
    cookie,
    spawn: async (command, args = [], { cwd, env = process.env, stdio, ...own } = {}) => {
      assertOpen();
      const start = async (): Promise<ContainedProcess> => {
        const started = await spawnContained({
          command,
          args,
          env: definedOnly(env),
          cookie,
          table,
          ...(cwd === undefined ? {} : { cwd }),
          ...(stdio === undefined ? {} : { stdio }),
        });
        add({ ...own, identity: started.identity, pgid: started.pgid, cookie, exited: started.exited });
        return started;
      };
      const starts = start();
      starting.add(starts);
      const started = await starts.finally(() => starting.delete(starts));
      // A stop that began meanwhile has stopped it too.
      await stopping;
      assertOpen();
      return started;
    },
    adopt: async (pid) => {
      assertOpen();
      const found = never().has(pid) || !isTargetPid(pid) ? undefined : await table.identify(pid);
      if (found?.status !== 'alive') throw new ShutdownCascadeError('not-found', `there is no process ${pid} to adopt`);
      assertOpen();
      const { identity } = found.process;
      if (!targets.some((target) => compareIdentity(target.identity, identity) === 'same')) add({ identity });
      return identity;
    },
    members: async () => {
      const rows = await table.list({ cookies: true });
      const found = targets.flatMap((target) => membersOf(target, rows, never()));
      return [...new Map(found.map((row) => [row.identity.pid, row])).values()];
    },
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
};
