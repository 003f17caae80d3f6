import type { ProcessView } from '../contract/index.js';
import { duration } from './format.js';

type Restarted = Pick<ProcessView, 'restarts' | 'restartAt' | 'restartStorm' | 'restartWaitsForSlot'>;

const nextOf = ({ restartAt, restartWaitsForSlot }: Restarted, nowMs: number): string[] => {
  if (restartWaitsForSlot) return ['waits for a slot'];
  if (restartAt === null) return [];
  const leftMs = Date.parse(restartAt) - nowMs;
  return [leftMs > 0 ? `restarts in ${duration(Math.ceil(leftMs / 1000))}` : 'restarts now'];
};

/** How often a process was started again, and when it will be: nothing for most of them. */
export const restartLabel = (view: Restarted, nowMs: number): string => {
  const { restarts, restartStorm } = view;
  const often = [...(restarts > 0 ? [`restarts ${restarts}`] : []), ...(restartStorm ? ['too many'] : [])];
  return [...often, ...nextOf(view, nowMs)].join(', ');
};
