import { DUPLICATE_WINDOW_MS, parseEventId, type SpooledEvent } from '../contract/index.js';

/** Remembers which events happened lately, so that a second copy of one hook is known for what it is. */
export interface RecentKeys {
  isCopy(event: Pick<SpooledEvent, 'id' | 'sessionId'>): boolean;
  note(event: Pick<SpooledEvent, 'id' | 'sessionId' | 'event'>): void;
  /** Forgets what is older than the window. */
  prune(nowMs: number): void;
}

/** After one of these a session is another one: what it did before may rightly happen again at once. */
const TURNING_POINTS: readonly string[] = ['SessionStart', 'SessionEnd'];

export const createRecentKeys = (): RecentKeys => {
  const bySession = new Map<string, Map<string, number>>();
  return {
    isCopy: ({ id, sessionId }) => {
      const { key, atMs } = parseEventId(id);
      const before = bySession.get(sessionId)?.get(key);
      return atMs !== undefined && before !== undefined && Math.abs(atMs - before) <= DUPLICATE_WINDOW_MS;
    },
    note: ({ id, sessionId, event }) => {
      const { key, atMs } = parseEventId(id);
      if (atMs === undefined) return;
      const before = TURNING_POINTS.includes(event) ? undefined : bySession.get(sessionId);
      bySession.set(sessionId, (before ?? new Map()).set(key, atMs));
    },
    prune: (nowMs) => {
      for (const [sessionId, keys] of bySession) {
        for (const [key, atMs] of keys) if (nowMs - atMs > DUPLICATE_WINDOW_MS) keys.delete(key);
        if (keys.size === 0) bySession.delete(sessionId);
      }
    },
  };
};
