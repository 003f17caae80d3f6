import { stopBenchmark } from '../lib/stop-benchmark.mjs';

export const id = 'B2';
export const title = 'Stop deep: a chain of processes, each below the one before';
export const budgetMs = { quick: 8_000, full: 180_000 };
export const plot = { figure: 'all gone', scale: 'log' };
export const run = stopBenchmark({ shape: 'chain', sizes: { quick: [5, 20], full: [5, 20, 100] } });
