import type { RestartHistory } from '@cm/process-registry';
import type { Clock } from '@cm/process-table';
import { NO_RESTARTS, type Restarts } from './restart-policy.js';

type Now = Pick<Clock, 'monotonicMs' | 'wallMs'>;

/** As it is put on record: by the clock on the wall, which means something to people and to the next worker. */
export const toHistory = ({ count, at, storms }: Restarts, clock: Now): RestartHistory => {
  const offsetMs = clock.wallMs() - clock.monotonicMs();
  return { count, at: at.map((atMs) => Math.round(atMs + offsetMs)), storms };
};

/** What an earlier worker put on record. The clock may have been set since: what seems to lie ahead counts as now. */
export const fromHistory = (history: RestartHistory | undefined, clock: Now): Restarts => {
  if (history === undefined) return NO_RESTARTS;
  const nowMs = clock.monotonicMs();
  const offsetMs = clock.wallMs() - nowMs;
  return { ...history, at: history.at.map((atMs) => Math.min(atMs - offsetMs, nowMs)) };
};
