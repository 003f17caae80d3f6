import { compareIdentity, isTargetPid, systemClock } from '@cm/process-table';
import { applyEvent } from './apply-event.js';
import { ProcessRegistryError, toRegistryError } from './errors.js';
import { openJournal } from './journal.js';
import type { ProcessRegistry, ProcessRegistryOptions, Registration, RegistryChange } from './process-registry.js';
import { JOURNAL_NAME } from './read-process-registry.js';
import { identityOfRow, type ProcessRecord, type ProcessSpec, parseRecord } from './record.js';
import { recoverRows } from './recover.js';
import { createRandomCookie, createRowIds } from './row-id.js';
import { createRowStore } from './row-store.js';
import { isEnded, transition } from './transition.js';

/**
 * Opens the registry kept in a directory.
 *
 * Rejects with ProcessRegistryError `newer-schema` (files untouched) or `open-failed`.
 */
export const openProcessRegistry = async ({
  directory,
  table,
  createCookie = createRandomCookie,
  clock = systemClock,
  fs,
  compactAfter,
  protectedPids = () => [process.pid, process.ppid],
}: ProcessRegistryOptions): Promise<ProcessRegistry> => {
  const journal = await openJournal({
    directory,
    name: JOURNAL_NAME,
    validate: parseRecord,
    now: () => clock.wallMs(),
    ...(fs === undefined ? {} : { fs }),
    ...(compactAfter === undefined ? {} : { compactAfter }),
  }).catch((error: unknown) => {
    throw toRegistryError(error);
  });

  const store = createRowStore(Array.from(journal.entries(), ([, row]) => Object.freeze(row)));
  const nextId = createRowIds(
    store.all().map(({ id }) => id),
    () => clock.wallMs(),
  );
  let nextOrder = (store.all().at(-1)?.order ?? 0) + 1;
  const listeners = new Set<(change: RegistryChange) => void>();
  /** Rows whose end, or removal, is true although it could not be written yet. */
  const unsaved = new Set<string>();
  let closed = false;

  const assertOpen = (): void => {
    if (closed) throw new ProcessRegistryError('closed', 'the registry was closed');
  };

  const emit = (type: RegistryChange['type'], row: ProcessRecord): void => {
    for (const listener of [...listeners]) {
      try {
        listener({ type, row });
      } catch {
        // A reader's mistake must not look like a failed write to the one who made the change.
      }
    }
  };

  const save = (id: string, row: ProcessRecord | undefined): void => {
    try {
      if (row === undefined) journal.delete(id);
      else journal.put(id, row);
    } catch (error) {
      throw toRegistryError(error);
    }
    unsaved.delete(id);
  };

  const saveLeftOvers = (): void => {
    for (const id of [...unsaved]) {
      try {
        save(id, store.get(id));
      } catch {
        return;
      }
    }
  };

  /** For what must be on disk or not be at all. */
  const saveOrThrow = (row: ProcessRecord): void => {
    save(row.id, row);
    saveLeftOvers();
  };

  /** For what has happened whether it can be written or not: a full disk must not bring the worker down (field failure 86). */
  const saveOrRemember = (id: string, row: ProcessRecord | undefined): void => {
    try {
      save(id, row);
    } catch (error) {
      if (!(error instanceof ProcessRegistryError && error.code === 'write-failed')) throw error;
      unsaved.add(id);
      return;
    }
    saveLeftOvers();
  };

  const forget = (row: ProcessRecord): void => {
    saveOrRemember(row.id, undefined);
    store.remove(row.id);
    emit('removed', row);
  };

  const assertFree = (id: string, { identity, pgid }: Registration): void => {
    for (const pid of pgid === undefined ? [identity.pid] : [identity.pid, pgid]) {
      if (!isTargetPid(pid) || protectedPids().includes(pid)) {
        throw new ProcessRegistryError('bad-pid', `${String(pid)} cannot be a child's pid`);
      }
    }
    const holder = store
      .ofPid(identity.pid)
      .find((row) => !isEnded(row.status) && row.identity && compareIdentity(row.identity, identity) === 'same');
    if (holder !== undefined) {
      throw new ProcessRegistryError(
        'duplicate',
        `process ${identity.pid} of ${id} is already registered: ${holder.id}`,
      );
    }
  };

  const assertNameFree = ({ sessionId, name }: Pick<ProcessSpec, 'sessionId' | 'name'>): void => {
    const namesake = store.liveNamed(sessionId, name);
    if (namesake === undefined) return;
    throw new ProcessRegistryError('duplicate', `${name} is ${namesake.status} already: ${namesake.id}`);
  };

  const close = async (): Promise<void> => {
    if (closed) return;
    saveLeftOvers();
    closed = true;
    journal.close();
  };

  return {
    prepare: (spec, { cookie } = {}) => {
      assertOpen();
      assertNameFree(spec);
      const id = nextId();
      const row: ProcessRecord = Object.freeze({
        name: spec.name,
        sessionId: spec.sessionId,
        type: spec.type,
        command: spec.command,
        args: [...spec.args],
        cwd: spec.cwd,
        restart: spec.restart,
        stopSignal: spec.stopSignal,
        graceMs: spec.graceMs,
        killWaitMs: spec.killWaitMs,
        onWorkerDeath: spec.onWorkerDeath,
        envKeys: [...spec.envKeys],
        ...(spec.cgroup === undefined ? {} : { cgroup: spec.cgroup }),
        id,
        cookie: cookie ?? createCookie(id),
        status: 'intended',
        order: nextOrder,
        startedAt: new Date(clock.wallMs()).toISOString(),
        adopted: false,
        attached: false,
        containment: '',
      });
      saveOrThrow(row);
      nextOrder += 1;
      store.set(row);
      emit('added', row);
      return row;
    },

    register: (id, registration) => {
      assertOpen();
      const intent = store.get(id);
      if (intent === undefined) throw new ProcessRegistryError('unknown-row', `there is no row ${id}`);
      if (isEnded(intent.status)) throw new ProcessRegistryError('row-ended', `${id} is ${intent.status} already`);
      if (intent.status !== 'intended') {
        throw new ProcessRegistryError('duplicate', `${id} is ${intent.status} already`);
      }
      assertFree(id, registration);
      const { identity, pgid, lineage, adopted = false, attached = false, containment } = registration;
      const { pid, startToken, bootId, machineId, pidNs } = identity;
      const row: ProcessRecord = Object.freeze({
        ...intent,
        status: transition(intent.status, { type: 'registered' }),
        identity: { pid, startToken, bootId, machineId, pidNs },
        ...(pgid === undefined ? {} : { pgid }),
        ...(lineage === undefined ? {} : { lineage: [...lineage] }),
        adopted,
        attached,
        containment,
      });
      saveOrThrow(row);
      store.set(row);
      emit('changed', row);
      return row;
    },

    prepareRestart: (id, { restarts, cookie = createCookie(id), cgroup }) => {
      assertOpen();
      const ended = store.get(id);
      if (ended === undefined) throw new ProcessRegistryError('unknown-row', `there is no row ${id}`);
      // One that has not ended has its name itself.
      assertNameFree(ended);
      const { identity: _i, pgid: _p, lineage: _l, exit: _e, stderrTail: _s, cgroup: _c, ...kept } = ended;
      const row: ProcessRecord = Object.freeze({
        ...kept,
        ...(cgroup === undefined ? {} : { cgroup }),
        cookie,
        status: transition(ended.status, { type: 'restart-intended' }),
        order: nextOrder,
        startedAt: new Date(clock.wallMs()).toISOString(),
        adopted: false,
        attached: false,
        containment: '',
        restarts: { count: restarts.count, at: [...restarts.at], storms: restarts.storms },
      });
      saveOrThrow(row);
      nextOrder += 1;
      store.set(row);
      emit('changed', row);
      return row;
    },

    transition: (id, event, details) => {
      assertOpen();
      const before = store.get(id);
      if (before === undefined) return undefined;
      const row = Object.freeze(applyEvent(before, event, details));
      if (row === before) return row;
      saveOrRemember(id, row);
      store.set(row);
      emit('changed', row);
      return row;
    },

    unregister: (id) => {
      assertOpen();
      const row = store.get(id);
      if (row === undefined) return { removed: false };
      forget(row);
      return { removed: true };
    },

    get: (id) => store.get(id),
    getAll: () => store.all(),
    getBySession: (sessionId) => store.ofSession(sessionId),
    getByPid: (pid) => {
      const rows = store.ofPid(pid).reverse();
      return rows.find(({ status }) => !isEnded(status)) ?? rows[0];
    },

    pruneDeadEntries: async ({ spare = () => false } = {}) => {
      assertOpen();
      journal.lookAfter();
      saveLeftOvers();
      const looks = await Promise.all(
        store.all().map(async (row) => {
          const identity = identityOfRow(row);
          const dead = identity !== undefined && (await table.lookup(identity)).status === 'dead';
          return dead ? [row] : [];
        }),
      );
      const removed: ProcessRecord[] = [];
      for (const { id, identity } of looks.flat()) {
        // While the table was read, somebody else may have removed the row, or started it again: what was proven is of the process looked at.
        const row = store.get(id);
        if (row === undefined || row.identity !== identity || spare(row)) continue;
        forget(row);
        removed.push(row);
      }
      return removed;
    },

    recover: () => recoverRows(store.all(), table),

    subscribe: (listener) => {
      // A wrapper, so that one function subscribed twice is called twice and each subscription ends alone.
      const own = (change: RegistryChange): void => listener(change);
      listeners.add(own);
      return () => void listeners.delete(own);
    },

    state: () => journal.state(),
    recovered: journal.recovered,
    files: () => journal.files(),
    close,
    [Symbol.asyncDispose]: close,
  };
};
