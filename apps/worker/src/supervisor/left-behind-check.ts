import type { Check } from '@cm/health';
import type { LeftProcess } from './left-on-record.js';

/** What the registry of a worker that is not there says. */
export type LeftBehind =
  | {
      readonly status: 'read';
      readonly processes: readonly LeftProcess[];
      /** Records that are damaged. */
      readonly damaged: number;
    }
  | { readonly status: 'unreadable'; readonly reason: string };

export const NOTHING_ON_RECORD: LeftBehind = { status: 'read', processes: [], damaged: 0 };

/** Of processes on record that are dead, whoever has their pids now. */
export const deadPidsIn = (processes: readonly LeftProcess[]): number[] =>
  processes.flatMap(({ pid, liveness }) =>
    pid !== null && (liveness === 'dead' || liveness === 'reused') ? [pid] : [],
  );

/** Whether a worker that was killed has left processes behind; pure. */
export const leftBehindCheck = (left: LeftBehind): Check => ({
  id: 'left-behind',
  run: () => {
    if (left.status === 'unreadable') {
      return {
        status: 'fail',
        detail: left.reason,
        fix: 'use the version that wrote it, or move the directory registry away',
      };
    }
    const { processes, damaged } = left;
    if (damaged > 0) {
      return {
        status: 'warn',
        detail: `${damaged} records are damaged; ${processes.length} can be read`,
        fix: 'cm-worker start sets the damaged ones aside, and finds what it can',
      };
    }
    const alive = [...new Set(processes.flatMap(({ members }) => members))];
    const unknown = processes.flatMap(({ pid, liveness }) => (liveness === 'unknown' && pid !== null ? [pid] : []));
    const sessions = new Set(processes.map(({ sessionId }) => sessionId)).size;
    const story = `the last worker left ${processes.length} rows in ${sessions} sessions`;
    if (processes.length === 0) return { status: 'pass', detail: 'nothing is on record' };
    if (alive.length === 0 && unknown.length === 0)
      return { status: 'pass', detail: `${story}; all of their processes are gone` };
    const parts = [
      ...(alive.length === 0 ? [] : [`alive: ${alive.join(', ')}`]),
      ...(unknown.length === 0 ? [] : [`cannot be identified, and will be left alone: ${unknown.join(', ')}`]),
    ];
    return {
      status: 'warn',
      detail: `${story}; ${parts.join('; ')}`,
      fix: 'see cm-worker ps; cm-worker start takes over what was to be kept and ends the others, cm-worker recover --once does that without a worker',
    };
  },
});
