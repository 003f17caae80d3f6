import type { ProcessView } from '../contract/index.js';
import { duration } from './format.js';

/** How often a process was started again, and when it will be: nothing for most of them. */
export const restartLabel = (
  { restarts, restartAt, restartStorm }: Pick<ProcessView, 'restarts' | 'restartAt' | 'restartStorm'>,
  nowMs: number,
): string => {
  const leftMs = restartAt === null ? undefined : Date.parse(restartAt) - nowMs;
  const next =
    leftMs === undefined ? [] : [leftMs > 0 ? `restarts in ${duration(Math.ceil(leftMs / 1000))}` : 'restarts now'];
  return [...(restarts > 0 ? [`restarts ${restarts}`] : []), ...(restartStorm ? ['too many'] : []), ...next].join(', ');
};
