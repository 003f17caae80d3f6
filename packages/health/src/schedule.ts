import { timerDelay } from './timer-delay.js';

/** Runs a function once after that many milliseconds, and returns what cancels it. */
export type Schedule = (run: () => void, delayMs: number) => () => void;

/** By a timer that does not keep the process alive. */
export const scheduleUnref: Schedule = (run, delayMs) => {
  const timer = setTimeout(run, timerDelay(delayMs)).unref();
  return () => clearTimeout(timer);
};
