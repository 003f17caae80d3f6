import { type Journal, openJournal } from '@cm/process-registry/journal';
import type { ProcessIdentity } from '@cm/process-table';
import { SESSION_ID_MAX_BYTES, type StopReport } from '../contract/index.js';
import { WorkerError } from './errors.js';

export interface SessionOwner {
  readonly identity: ProcessIdentity;
  readonly command: string;
}

export type EndReason = 'hook' | 'api' | 'owner-gone';

/** A session as it is kept across restarts. */
export interface SessionRecord {
  readonly id: string;
  readonly state: 'active' | 'ending' | 'ended';
  readonly owner: SessionOwner | null;
  readonly agent: string | null;
  readonly cwd: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
  readonly lastSeenAt: string;
  readonly endedAt: string | null;
  readonly endReason: EndReason | null;
  readonly report: StopReport | null;
}

export type SessionUpdate = Partial<Pick<SessionRecord, 'owner' | 'agent' | 'cwd' | 'metadata'>>;

export interface SessionStore {
  get(id: string): SessionRecord | undefined;
  /** Active and ending ones; with `all`, also those that ended within the last 24 hours. */
  list(all?: boolean): SessionRecord[];
  /** Creates a session, or refreshes one; an ended one begins again. Durable when it returns. */
  open(id: string, update: SessionUpdate): { readonly session: SessionRecord; readonly created: boolean };
  /** Notes that something of the session was seen. Kept in memory: it is not worth a write. */
  seen(id: string): void;
  markEnding(id: string, reason: EndReason): void;
  markEnded(id: string, report: StopReport): void;
  /** Forgets what ended more than 24 hours ago. */
  prune(): void;
  close(): void;
}

const KEPT_AFTER_END_MS = 24 * 60 * 60 * 1000;

const isRecord = (value: unknown): value is SessionRecord =>
  typeof value === 'object' &&
  value !== null &&
  'id' in value &&
  typeof value.id === 'string' &&
  'state' in value &&
  ['active', 'ending', 'ended'].includes(String(value.state)) &&
  'metadata' in value &&
  typeof value.metadata === 'object' &&
  'createdAt' in value &&
  typeof value.createdAt === 'string';

/** @throws WorkerError INVALID for an id that is not text of 1 to 256 bytes. */
export const assertSessionId = (id: string): void => {
  if (id === '' || Buffer.byteLength(id) > SESSION_ID_MAX_BYTES) {
    throw new WorkerError('INVALID', `a session id is text of 1 to ${SESSION_ID_MAX_BYTES} bytes`);
  }
};

export const openSessionStore = async (directory: string, now: () => Date): Promise<SessionStore> => {
  const journal: Journal<SessionRecord> = await openJournal<SessionRecord>({
    directory,
    name: 'sessions',
    validate: (value) => (isRecord(value) ? value : undefined),
  });
  const lastSeen = new Map<string, string>();
  const withSeen = (record: SessionRecord): SessionRecord => ({
    ...record,
    lastSeenAt: lastSeen.get(record.id) ?? record.lastSeenAt,
  });
  const get = (id: string): SessionRecord | undefined => {
    const record = journal.get(id);
    return record === undefined ? undefined : withSeen(record);
  };
  const change = (id: string, update: Partial<SessionRecord>): void => {
    const record = get(id);
    if (record !== undefined) journal.put(id, { ...record, ...update });
  };
  const expired = ({ endedAt }: SessionRecord): boolean =>
    endedAt !== null && now().getTime() - Date.parse(endedAt) > KEPT_AFTER_END_MS;

  return {
    get,
    list: (all = false) =>
      [...journal.entries()]
        .map(([, record]) => withSeen(record))
        .filter((record) => (record.state === 'ended' ? all && !expired(record) : true)),
    open: (id, update) => {
      assertSessionId(id);
      const at = now().toISOString();
      const before = get(id);
      const known = before === undefined || before.state === 'ended' ? undefined : before;
      const session: SessionRecord = {
        owner: null,
        agent: null,
        cwd: null,
        metadata: {},
        createdAt: at,
        ...known,
        ...update,
        id,
        state: known?.state ?? 'active',
        lastSeenAt: at,
        endedAt: null,
        endReason: known?.endReason ?? null,
        report: null,
      };
      journal.put(id, session);
      lastSeen.set(id, at);
      return { session, created: known === undefined };
    },
    seen: (id) => void (journal.get(id) !== undefined && lastSeen.set(id, now().toISOString())),
    markEnding: (id, endReason) => change(id, { state: 'ending', endReason }),
    markEnded: (id, report) => {
      change(id, { state: 'ended', endedAt: now().toISOString(), report });
      lastSeen.delete(id);
    },
    prune: () => {
      for (const [id, record] of [...journal.entries()]) if (expired(record)) journal.delete(id);
    },
    close: () => journal.close(),
  };
};
