import type { ProcessRegistry } from '@cm/process-registry';
import { compareIdentity, type ProcessTable } from '@cm/process-table';
import type { SpooledEvent, StopReport } from '../contract/index.js';
import { messageOf, WorkerError } from './errors.js';
import { findOwner } from './find-owner.js';
import type { Log } from './log.js';
import type { Processes } from './processes.js';
import type { EndReason, SessionRecord, SessionStore, SessionUpdate } from './session-store.js';

export interface Sessions {
  /** @throws WorkerError SESSION_NOT_FOUND */
  get(id: string): SessionRecord;
  list(all?: boolean): SessionRecord[];
  /** Creates or refreshes; waits for an end that is under way and then begins anew. */
  put(id: string, update: SessionUpdate): Promise<{ readonly session: SessionRecord; readonly created: boolean }>;
  /** Reaps everything of the session. Repeated, it returns the same report. */
  end(id: string, reason: EndReason): Promise<StopReport>;
  /** @throws WorkerError SESSION_NOT_FOUND, SESSION_ENDED */
  assertActive(id: string): SessionRecord;
  /** What an event means for its session. What must not be lost is noted before this returns. */
  onEvent(event: SpooledEvent): void;
  /** Ends sessions whose owner is gone. */
  lookAtOwners(): Promise<void>;
  /** Finishes what an earlier worker had begun to end. */
  resume(): void;
  /** Resolves when nothing is being ended any more. */
  settled(): Promise<void>;
}

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly processes: Processes;
  readonly registry: Pick<ProcessRegistry, 'getBySession'>;
  readonly table: Pick<ProcessTable, 'identify' | 'lookup'>;
  readonly log: Log;
}

const cwdOf = (payload: unknown): string | undefined =>
  typeof payload === 'object' && payload !== null && 'cwd' in payload && typeof payload.cwd === 'string'
    ? payload.cwd
    : undefined;

export const createSessions = ({ store, processes, registry, table, log }: SessionsOptions): Sessions => {
  const ends = new Map<string, Promise<StopReport>>();

  const get = (id: string): SessionRecord => {
    const session = store.get(id);
    if (session === undefined) throw new WorkerError('SESSION_NOT_FOUND', `there is no session "${id}"`);
    return session;
  };

  const reap = async (id: string): Promise<StopReport> => {
    processes.sendAway(id);
    // A spawn that was under way when the end began must not outlive it.
    await processes.settled(id);
    const report = await processes.stopAll(registry.getBySession(id));
    store.markEnded(id, report);
    const { targets, survivors } = report;
    if (report.ok) log.info({ session: id, processes: targets.length }, 'a session ended');
    else log.warn({ session: id, survivors }, 'a session ended, but not all of its processes did');
    return report;
  };

  const end: Sessions['end'] = (id, reason) => {
    const running = ends.get(id);
    if (running !== undefined) return running;
    const session = get(id);
    if (session.state === 'ended' && session.report !== null) return Promise.resolve(session.report);
    store.markEnding(id, reason);
    const ending = reap(id).finally(() => ends.delete(id));
    ends.set(id, ending);
    return ending;
  };

  const endQuietly = (id: string, reason: EndReason): void => {
    end(id, reason).catch((error: unknown) => {
      log.error({ session: id, error: messageOf(error) }, 'a session could not be ended');
    });
  };

  const put: Sessions['put'] = async (id, update) => {
    await ends.get(id);
    return store.open(id, update);
  };

  const findAndSetOwner = async ({ sessionId, ownerPid, ownerStartToken }: SpooledEvent): Promise<void> => {
    if (ownerPid === undefined) return;
    const owner = await findOwner(table, { pid: ownerPid, startToken: ownerStartToken });
    const session = store.get(sessionId);
    if (owner === undefined || session?.state !== 'active') return;
    if (session.owner !== null && compareIdentity(session.owner.identity, owner.identity) === 'same') return;
    store.open(sessionId, { owner });
  };

  const setOwner = (event: SpooledEvent): void => {
    findAndSetOwner(event).catch((error: unknown) => {
      log.warn({ session: event.sessionId, error: messageOf(error) }, 'the owner of a session could not be found');
    });
  };

  const begin = (event: SpooledEvent): void => {
    const cwd = cwdOf(event.payload);
    store.open(event.sessionId, { agent: event.agent, ...(cwd === undefined ? {} : { cwd }) });
    setOwner(event);
  };

  const onEvent = (event: SpooledEvent): void => {
    const { sessionId, event: name } = event;
    const session = store.get(sessionId);
    if (name === 'SessionStart') {
      // A session that was cleared and goes on begins again when its end is complete.
      const ending = ends.get(sessionId);
      if (ending === undefined) begin(event);
      else void ending.then(() => begin(event)).catch(() => {});
      return;
    }
    if (session === undefined) begin(event);
    else store.seen(sessionId);
    if (name === 'SessionEnd') endQuietly(sessionId, 'hook');
    else if (session?.state === 'active' && session.owner === null) setOwner(event);
  };

  return {
    get,
    list: (all) => store.list(all),
    put,
    end,
    assertActive: (id) => {
      const session = get(id);
      if (session.state !== 'active') throw new WorkerError('SESSION_ENDED', `session "${id}" has ended`);
      return session;
    },
    onEvent,
    lookAtOwners: async () => {
      const seen = new Map<string, boolean>();
      for (const { id, owner } of store.list()) {
        if (owner === null || ends.has(id)) continue;
        const key = `${owner.identity.pid} ${owner.identity.startToken}`;
        const dead = seen.get(key) ?? (await table.lookup(owner.identity)).status === 'dead';
        seen.set(key, dead);
        if (!dead) continue;
        log.info({ session: id, owner: owner.identity.pid }, 'the owner of a session is gone: the session ends');
        endQuietly(id, 'owner-gone');
      }
    },
    resume: () => {
      for (const { id, state, endReason } of store.list()) if (state === 'ending') endQuietly(id, endReason ?? 'api');
    },
    settled: async () => void (await Promise.allSettled(ends.values())),
  };
};
