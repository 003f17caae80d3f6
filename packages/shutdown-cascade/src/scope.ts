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
import { cgroupPath } from './cgroup/cgroup-path.js';
import { systemCgroups } from './cgroup/cgroups.js';
import { ShutdownCascadeError } from './errors.js';
import { membersOf } from './membership.js';
import { type Containment, type ContainmentChoice, probeContainment } from './probe-containment.js';
import type { CascadeReport } from './report.js';
import { type CascadeOptions, runShutdownCascade } from './shutdown-cascade.js';
import { type ContainedProcess, type ContainedSpawn, spawnContained } from './spawn/spawn-contained.js';
import { spawnWithin } from './spawn/spawn-within.js';
import type { StopTarget } from './target.js';

type StopTimes = Pick<StopTarget, 'stopSignal' | 'graceMs' | 'killWaitMs'>;

export interface ScopeOptions extends StopTimes {
  /** For the report. */
  readonly name?: string;
  /** Default: 16 random bytes, as hexadecimal digits. */
  readonly cookie?: string;
  /** How its processes are held; or what a probe has found already. Default `auto`: probed at the first spawn. */
  readonly containment?: ContainmentChoice | Containment;
  readonly table?: ProcessTable;
  readonly clock?: Clock;
}

export interface Scope extends AsyncDisposable {
  readonly cookie: string;
  /** What holds its processes, and what that cannot see. */
  containment(): Containment;
  /**
   * Starts a command inside the scope. Rejects with `spawn-failed`, with `containment-failed` where the tier that was asked for does not
   * work, or with `stopping` once a stop has begun.
   */
  spawn(command: string, args?: readonly string[], options?: ScopeSpawn): Promise<ContainedProcess>;
  /** Takes a running process in, by pid, once. Rejects with `not-found` when it may not be a target or its identity cannot be established. */
  adopt(pid: number): Promise<ProcessIdentity>;
  /** Every living member, found afresh. */
  members(): Promise<ProcessRow[]>;
  /** Stops everything, once: a second call returns the first one's report, and its `force` hurries the stop under way. */
  stop(options?: Pick<CascadeOptions, 'deadlineMs' | 'signal' | 'force' | 'onProgress'>): Promise<CascadeReport>;
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
  const cgroups = new Set<string>();
  const forced = new AbortController();
  let stopping: Promise<CascadeReport> | undefined;
  let probed: Containment | undefined;

  const assertOpen = (): void => {
    if (stopping !== undefined) throw new ShutdownCascadeError('stopping', `${name} is stopping: nothing can be added`);
  };
  const add = (target: Omit<StopTarget, 'id' | 'order'>): void => {
    targets.push({ ...times, ...target, id: `${name}/${targets.length + 1}`, order: targets.length });
  };

  const containment = (): Containment => {
    const { containment: wanted = 'auto' } = options;
    probed ??= typeof wanted === 'string' ? probeContainment({ choice: wanted }) : wanted;
    return probed;
  };

  const start = async (spawned: Omit<ContainedSpawn, 'cookie' | 'table'>): Promise<ContainedProcess> => {
    const { tier, why, cgroupParent } = containment();
    if (tier === 'none') throw new ShutdownCascadeError('containment-failed', why);
    const contained = { ...spawned, cookie, table };
    if (cgroupParent === undefined) return spawnContained(contained);
    const cgroup = cgroupPath(cgroupParent, `${cookie} ${cgroups.size}`);
    // Also when it fails: no two keys are the same then.
    cgroups.add(cgroup);
    const started = await spawnWithin({ ...contained, cgroup }, options.containment === 'cgroup');
    // Nothing to do where something of it lives on: then it goes when the scope is stopped.
    void started.exited.then(() => systemCgroups.remove(cgroup));
    return started;
  };

  const run: Scope['stop'] = async (stopOptions) => {
    // What the system is starting just now is stopped like everything else.
    await (starting.size > 0 ? Promise.allSettled(starting) : undefined);
    // A stop that begins with force needs no other signal.
    const force = stopOptions?.force?.aborted === true ? stopOptions.force : forced.signal;
    const report = await runShutdownCascade(targets, { table, clock, ...stopOptions, force });
    for (const cgroup of cgroups) systemCgroups.remove(cgroup);
    return report;
  };
  const stop: Scope['stop'] = (stopOptions = {}) => {
    const { force } = stopOptions;
    stopping ??= run(stopOptions);
    if (force?.aborted === true) forced.abort();
    force?.addEventListener('abort', () => forced.abort(), { once: true });
    return stopping;
  };
  return {
    cookie,
    containment,
    spawn: async (command, args = [], { cwd, env = process.env, stdio, ...own } = {}) => {
      assertOpen();
      const begin = async (): Promise<ContainedProcess> => {
        const started = await start({
          command,
          args,
          env: definedOnly(env),
          ...(cwd === undefined ? {} : { cwd }),
          ...(stdio === undefined ? {} : { stdio }),
        });
        const { identity, pgid, cgroup, lineage, exited, closed } = started;
        add({ ...own, identity, pgid, cookie, cgroup, lineage, exited, closed });
        return started;
      };
      const begins = begin();
      starting.add(begins);
      const started = await begins.finally(() => starting.delete(begins));
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
      const descriptors = new Set(targets.flatMap(({ lineage = [] }) => lineage));
      const rows = await table.list({ cookies: true, descriptors });
      const inCgroups = new Set([...cgroups].flatMap((cgroup) => systemCgroups.pids(cgroup)));
      const found = [
        ...targets.flatMap((target) => membersOf(target, rows, never())),
        ...rows.filter(({ identity, state }) => inCgroups.has(identity.pid) && state !== 'zombie'),
      ];
      return [...new Map(found.map((row) => [row.identity.pid, row])).values()];
    },
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
};
