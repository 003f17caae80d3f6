import type { ProcessRecord, ProcessRegistry } from '@cm/process-registry';
import type { ProcessRow, ProcessTable } from '@cm/process-table';
import { type Cgroups, cgroupPath, withoutGate } from '@cm/shutdown-cascade';
import { namesDataDirectory } from '../contract/index.js';
import { messageOf, WorkerError } from './errors.js';
import type { Log } from './log.js';
import { recordIntent, recordProcess } from './record-process.js';
import { isAncestorOf, refusalOf } from './refuse-adoption.js';
import type { RowMembers } from './row-members.js';
import { SPAWN_DEFAULTS } from './spawn-request.js';
import { removeRowCgroup, type WorkerCgroup } from './worker-cgroup.js';

export interface AdoptRequest {
  readonly pid: number;
  readonly startToken?: string | undefined;
  readonly name: string;
  /** Default `process`. */
  readonly type?: string | undefined;
}

export interface AdoptContext {
  readonly registry: ProcessRegistry;
  readonly table: ProcessTable;
  readonly log: Log;
  readonly members: RowMembers;
  /** The real path, for cookies. */
  readonly dataDirectory: string;
  readonly canSignal: (pid: number) => boolean;
  readonly workerCgroup: WorkerCgroup;
  /** The registry would give away the name of a process that is about to be started again. @throws WorkerError DUPLICATE_NAME */
  readonly assertNameFree: (sessionId: string, name: string) => void;
}

/** Who is meant, if it may be adopted. @throws WorkerError NOT_ADOPTABLE, ALREADY_OURS */
const admit = async (context: AdoptContext, request: AdoptRequest): Promise<ProcessRow> => {
  const { registry, table, members, canSignal, dataDirectory } = context;
  const listing = await table.list({ cookies: true });
  const found = listing.find(({ identity, state }) => identity.pid === request.pid && state !== 'zombie');
  const refusal = refusalOf(request, found, {
    isAncestor: (pid) => isAncestorOf(listing, pid, process.pid),
    canSignal,
  });
  if (refusal !== undefined || found === undefined) {
    throw new WorkerError('NOT_ADOPTABLE', refusal ?? `there is no process ${request.pid}`);
  }
  const owners = members.ownersOf(request.pid, registry.getAll(), listing);
  // `cm-worker exec` inside another session's process makes a row of its own, with a cookie of its own, below the other.
  const ownCookie =
    namesDataDirectory(found.cookie, dataDirectory) && owners.every(({ cookie }) => cookie !== found.cookie);
  if (owners.length > 0 && !ownCookie) {
    throw new WorkerError('ALREADY_OURS', `process ${request.pid} already belongs to a session`);
  }
  return found;
};

/** Moves a process that waits at its gate, and has therefore started nothing yet, into a cgroup of its own. False: it goes without. */
const moveIntoCgroup = (cgroup: string, pid: number, cgroups: Cgroups, log: Log): boolean => {
  try {
    cgroups.create(cgroup);
    cgroups.add(cgroup, pid);
    return true;
  } catch (error) {
    removeRowCgroup(cgroup);
    log.warn({ pid, error: messageOf(error) }, 'an adopted process could not be moved to a cgroup');
    return false;
  }
};

/**
 * Takes a running process into a session: its end stops it like a child.
 *
 * @throws WorkerError NOT_ADOPTABLE, ALREADY_OURS, DUPLICATE_NAME, UNAVAILABLE
 */
export const adoptProcess = async (
  context: AdoptContext,
  sessionId: string,
  request: AdoptRequest,
): Promise<ProcessRecord> => {
  const { registry, table, log, dataDirectory, workerCgroup } = context;
  const found = await admit(context, request);
  const { identity, cookie = '', command, pgid } = found;
  // `cm-worker exec` starts its command with a cookie of this data directory, in a group of its own; others come as they are.
  const ours = namesDataDirectory(cookie, dataDirectory);
  const line = await table.commandLine(identity);
  const args = withoutGate(line);
  const gated = ours && args.length < line.length;
  const { parent: cgroupParent } = workerCgroup;
  const cgroup = gated && cgroupParent !== undefined ? cgroupPath(cgroupParent, cookie) : undefined;
  const { stopSignal, graceMs, killWaitMs, type, restart, onWorkerDeath } = SPAWN_DEFAULTS;
  context.assertNameFree(sessionId, request.name);
  const row = recordIntent(
    registry,
    {
      name: request.name,
      sessionId,
      type: request.type ?? type,
      command: args[0] ?? command,
      args: args.slice(1),
      cwd: '',
      restart,
      stopSignal,
      graceMs,
      killWaitMs,
      onWorkerDeath,
      envKeys: [],
      ...(cgroup === undefined ? {} : { cgroup }),
    },
    // Without one of ours the row gets a fresh cookie, which nobody carries.
    ours ? cookie : undefined,
  );
  const held = cgroup !== undefined && moveIntoCgroup(cgroup, identity.pid, workerCgroup.cgroups, log);
  try {
    const registered = recordProcess(registry, row, {
      identity,
      ...(ours && pgid === identity.pid ? { pgid } : {}),
      containment: held ? 'cgroup' : ours ? 'group' : 'scan',
      adopted: true,
      attached: ours,
    });
    log.info({ row: row.id, name: row.name, pid: identity.pid, session: sessionId }, 'a process was adopted');
    return registered;
  } catch (error) {
    registry.unregister(row.id);
    throw error;
  }
};
