import type { ProcessRecord } from '@cm/process-registry';
import type { ProcessRow, Usage } from '@cm/process-table';
import type { ProcessView, SessionView } from '../contract/index.js';
import type { PendingRestart } from './restarter.js';
import type { SessionRecord } from './session-store.js';

/** A registry row as the API shows it: no cookie, no environment. */
export const processView = (
  row: ProcessRecord,
  members: readonly ProcessRow[] = [],
  usage?: Usage,
  pending?: PendingRestart,
): ProcessView => ({
  id: row.id,
  name: row.name,
  pid: row.identity?.pid ?? null,
  pgid: row.pgid ?? null,
  sessionId: row.sessionId,
  type: row.type,
  status: row.status,
  startedAt: row.startedAt,
  containment: row.containment,
  command: row.command,
  args: row.args,
  cwd: row.cwd,
  adopted: row.adopted,
  restart: row.restart,
  restarts: row.restarts?.count ?? 0,
  restartAt: pending?.at ?? null,
  restartStorm: pending?.storm ?? false,
  restartWaitsForSlot: pending?.waitsForSlot ?? false,
  exit: row.exit ?? null,
  members: members.map(({ identity }) => identity.pid),
  ...(usage === undefined ? {} : { usage: { cpuMs: usage.cpuMs, memoryBytes: usage.memoryBytes } }),
});

export const sessionView = (session: SessionRecord, processes: number): SessionView => ({
  id: session.id,
  state: session.state,
  owner:
    session.owner === null
      ? null
      : {
          pid: session.owner.identity.pid,
          startToken: session.owner.identity.startToken,
          command: session.owner.command,
        },
  agent: session.agent,
  cwd: session.cwd,
  metadata: session.metadata,
  createdAt: session.createdAt,
  lastSeenAt: session.lastSeenAt,
  endedAt: session.endedAt,
  endReason: session.endReason,
  processes,
});
