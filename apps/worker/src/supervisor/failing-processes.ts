import type { Check } from '@cm/health';
import type { ProcessView } from '../contract/index.js';
import { type Crash, MOST_CRASHES } from './crashes.js';
import { shellWord } from './shell-word.js';

const RECENT_MS = 60 * 60 * 1000;

/** Warns of processes that were started again too often, with where to look and what to do. */
export const restartsCheck = ({
  processes,
  logOf,
}: {
  readonly processes: readonly ProcessView[];
  readonly logOf: (rowId: string) => string;
}): Check => ({
  id: 'restarts',
  run: () => {
    const paused = processes.filter(({ restartStorm }) => restartStorm);
    const waiting = processes.filter(({ restartWaitsForSlot }) => restartWaitsForSlot);
    const held = [...new Set([...paused, ...waiting])];
    if (held.length === 0) return { status: 'pass', detail: 'nothing ends too often, and nothing waits for a slot' };
    const stories = held.map(({ id, name, sessionId, restarts, restartAt, restartWaitsForSlot }) => {
      const next = restartWaitsForSlot ? 'it waits for a slot' : `next at ${restartAt}`;
      return `"${name}" of session "${sessionId}" was started again ${restarts} times, ${next}, see ${logOf(id)}`;
    });
    const ways = held.map(
      ({ id, sessionId }) => `cm-worker end ${shellWord(sessionId)}, or DELETE /api/processes/${id}`,
    );
    const what = paused.length > 0 ? 'too many restarts' : 'restarts that cannot begin';
    return { status: 'warn', detail: `${what}: ${stories.join('; ')}`, fix: ways.join('; ') };
  },
});

/** Warns of processes that failed lately: a worker can be well while nothing that it runs is (field failure 55). */
export const crashesCheck = ({
  crashes,
  logOf,
}: {
  readonly crashes: readonly Crash[];
  readonly logOf: (rowId: string) => string;
}): Check => ({
  id: 'crashes',
  run: () => {
    const recent = crashes.filter(({ agoMs }) => agoMs <= RECENT_MS);
    const newest = recent.at(-1);
    if (newest === undefined) return { status: 'pass', detail: 'nothing has failed within the last hour' };
    const { name, sessionId, how, at, rowId } = newest;
    return {
      status: 'warn',
      detail: `${recent.length}${recent.length === MOST_CRASHES ? ' or more' : ''} failed within the last hour; the newest: "${name}" of session "${sessionId}", ${how}, at ${at}`,
      fix: `see ${logOf(rowId)}`,
    };
  },
});
