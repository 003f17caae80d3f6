/** Ways to keep children on record. Every one is given the same four changes of a life: an intent, a process, its end, nothing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { nativePeer } from '../lib/native-peers.mjs';
import { identityOf, keyOf, recordOf, specOf } from '../lib/registry-rows.mjs';
import { percentile } from '../lib/statistics.mjs';

/** `damage`: what reading had to complain of. */
const ours = async () => {
  const { openProcessRegistry } = await import('@cm/process-registry');
  // Nobody is looked up here.
  const table = { lookup: async () => ({ status: 'unknown' }), list: async () => [] };
  return {
    open: async (directory) => {
      const registry = await openProcessRegistry({ directory, table });
      const { dropped, quarantined } = registry.recovered;
      return {
        damage: dropped + quarantined.length > 0 ? `${dropped} dropped, ${quarantined.length} set aside` : undefined,
        statuses: () => registry.getAll().map(({ name, status }) => [Number(name.slice('server-'.length)), status]),
        seed: (rows) => {
          for (let number = 0; number < rows; number += 1) {
            const { id } = registry.prepare(specOf(number));
            registry.register(id, { identity: identityOf(number), containment: 'group' });
          }
        },
        intend: (number) => registry.prepare(specOf(number)).id,
        run: (id, number) => registry.register(id, { identity: identityOf(number), containment: 'group' }),
        end: (id) => registry.transition(id, { type: 'exited', code: 0, signal: null }),
        forget: (id) => registry.unregister(id),
        paths: () => registry.files().map(({ path }) => path),
        close: () => registry.close(),
      };
    },
  };
};

/** Those that keep a map: `put` and `remove` of a store are on disk when they have returned. */
const keeping = (openStore) => ({
  open: async (directory) => {
    const store = await openStore(directory);
    return {
      damage: store.damage,
      statuses: () => [...store.entries()].map(([key, { status }]) => [Number(key.slice(1)), status]),
      seed: (rows) => {
        const all = Array.from({ length: rows }, (_, number) => [keyOf(number), recordOf(number, 'running')]);
        return store.putAll(all);
      },
      intend: async (number) => {
        await store.put(keyOf(number), recordOf(number, 'intended'));
        return keyOf(number);
      },
      run: (key, number) => store.put(key, recordOf(number, 'running')),
      end: (key, number) => store.put(key, recordOf(number, 'exited')),
      forget: (key) => store.remove(key),
      paths: () => [],
      close: () => store.close?.(),
    };
  },
});

/** The map in memory, and `save` for all of it. */
const wholeFile = (save) =>
  keeping(async (directory) => {
    const path = join(directory, 'supervisor.json');
    const map = new Map();
    let damage;
    if (existsSync(path)) {
      try {
        for (const [key, row] of Object.entries(JSON.parse(readFileSync(path, 'utf8')).processes)) map.set(key, row);
      } catch (error) {
        damage = error.message;
      }
    }
    const write = () => save(path, JSON.stringify({ processes: Object.fromEntries(map) }, null, 2));
    return {
      damage,
      entries: () => map,
      putAll: (all) => {
        for (const [key, row] of all) map.set(key, row);
        return write();
      },
      put: (key, row) => {
        map.set(key, row);
        return write();
      },
      remove: (key) => {
        map.delete(key);
        return write();
      },
    };
  });

const atomic = (options) => async () => {
  const { default: writeFileAtomic } = await import('write-file-atomic');
  return wholeFile((path, content) => writeFileAtomic(path, content, options));
};

const sqlite = (synchronous) => async () => {
  const { value: Database, skipped } = nativePeer('better-sqlite3');
  if (skipped !== undefined) return { skipped };
  return keeping(async (directory) => {
    const database = new Database(join(directory, 'supervisor.db'));
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${synchronous}`);
    const verdict = database.pragma('quick_check', { simple: true });
    database.exec('CREATE TABLE IF NOT EXISTS processes (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID');
    const insert = database.prepare('INSERT OR REPLACE INTO processes (id, row) VALUES (?, ?)');
    const remove = database.prepare('DELETE FROM processes WHERE id = ?');
    const all = database.prepare('SELECT id, row FROM processes');
    const put = (key, row) => insert.run(key, JSON.stringify(row));
    return {
      damage: verdict === 'ok' ? undefined : verdict,
      entries: () => all.all().map(({ id, row }) => [id, JSON.parse(row)]),
      putAll: database.transaction((rows) => {
        for (const [key, row] of rows) put(key, row);
      }),
      put,
      remove: (key) => remove.run(key),
      close: () => database.close(),
    };
  });
};

const peers = {
  ours,
  'in-place JSON': async () => wholeFile(writeFileSync),
  'write-file-atomic': atomic({}),
  'write-file-atomic, no fsync': atomic({ fsync: false }),
  'better-sqlite3, OFF': sqlite('OFF'),
  'better-sqlite3, NORMAL': sqlite('NORMAL'),
};

/** One registry of a peer in a directory; also what a writer that is about to be killed uses. */
export const registryOf = (name) => peers[name]();

export const create = async (name) => {
  const { open, skipped } = await registryOf(name);
  if (skipped !== undefined) return { skipped };
  let registry;
  const shut = async () => {
    await registry?.close();
    registry = undefined;
  };
  let next;
  let changes = [];
  let longestTurnMs = 0;

  /** What a caller waits for: a change that hands its work on, or a turn of the loop in which somebody else does it, shows here too. */
  const timed = async (change) => {
    const startMs = performance.now();
    const value = await change();
    changes.push(performance.now() - startMs);
    return value;
  };
  const timedTurn = async () => {
    const startMs = performance.now();
    await turn();
    longestTurnMs = Math.max(longestTurnMs, performance.now() - startMs);
  };

  return {
    begin: async ({ directory, rows }) => {
      mkdirSync(directory, { recursive: true });
      await shut();
      registry = await open(directory);
      await registry.seed(rows);
      next = rows;
    },
    /** Whole lives, one after another, with a turn of the loop between two: a process is started there in use. */
    lives: async ({ count }) => {
      for (let done = 0; done < count; done += 1) {
        const number = next;
        next += 1;
        const key = await timed(() => registry.intend(number));
        await timed(() => registry.run(key, number));
        await timed(() => registry.end(key, number));
        await timed(() => registry.forget(key));
        await timedTurn();
      }
    },
    /** Of all single changes since the last time. */
    latencies: async () => {
      const [taken, turnMs] = [changes, longestTurnMs];
      [changes, longestTurnMs] = [[], 0];
      const [medianMs, p999Ms, maxMs] = [0.5, 0.999, 1].map((share) => percentile(taken, share));
      return { n: taken.length, medianMs, p999Ms, maxMs, turnMs };
    },
    paths: async () => registry.paths(),
    read: async ({ directory }) => {
      const found = await open(directory).catch((error) => ({ damage: error.message }));
      const statuses = found.statuses?.() ?? [];
      await found.close?.();
      return { damage: found.damage, statuses };
    },
    shut,
    close: shut,
  };
};
