import type { ProcessRecord } from './record.js';
import { isEnded } from './transition.js';

/** The rows in start order, found by id, session, pid and live name without a walk through all of them. */
export interface RowStore {
  get(id: string): ProcessRecord | undefined;
  all(): ProcessRecord[];
  ofSession(sessionId: string): ProcessRecord[];
  ofPid(pid: number): ProcessRecord[];
  /** The row of this session and name whose process has not ended. */
  liveNamed(sessionId: string, name: string): ProcessRecord | undefined;
  set(row: ProcessRecord): void;
  remove(id: string): void;
}

type Groups<K> = Map<K, Map<string, ProcessRecord>>;

const addTo = <K>(groups: Groups<K>, key: K, row: ProcessRecord): void => {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, new Map([[row.id, row]]));
  else group.set(row.id, row);
};

const removeFrom = <K>(groups: Groups<K>, key: K, id: string): void => {
  const group = groups.get(key);
  if (group?.delete(id) === true && group.size === 0) groups.delete(key);
};

/** In start order, also where clocks stood still. */
export const inOrder = (rows: Iterable<ProcessRecord> | undefined): ProcessRecord[] =>
  [...(rows ?? [])].sort((a, b) => a.order - b.order);

// Session ids and names are any text: only an encoding keeps ("a", "b c") and ("a b", "c") apart.
const nameKey = (sessionId: string, name: string): string => JSON.stringify([sessionId, name]);

export const createRowStore = (initial: Iterable<ProcessRecord>): RowStore => {
  const rows = new Map<string, ProcessRecord>();
  const sessions: Groups<string> = new Map();
  const pids: Groups<number> = new Map();
  const names: Groups<string> = new Map();

  const remove = (id: string): void => {
    const row = rows.get(id);
    if (row === undefined) return;
    rows.delete(id);
    removeFrom(sessions, row.sessionId, id);
    removeFrom(names, nameKey(row.sessionId, row.name), id);
    if (row.identity !== undefined) removeFrom(pids, row.identity.pid, id);
  };
  const set = (row: ProcessRecord): void => {
    remove(row.id);
    rows.set(row.id, row);
    addTo(sessions, row.sessionId, row);
    if (!isEnded(row.status)) addTo(names, nameKey(row.sessionId, row.name), row);
    if (row.identity !== undefined) addTo(pids, row.identity.pid, row);
  };
  for (const row of initial) set(row);

  return {
    get: (id) => rows.get(id),
    all: () => inOrder(rows.values()),
    ofSession: (sessionId) => inOrder(sessions.get(sessionId)?.values()),
    ofPid: (pid) => inOrder(pids.get(pid)?.values()),
    liveNamed: (sessionId, name) => names.get(nameKey(sessionId, name))?.values().next().value,
    set,
    remove,
  };
};
