import { stopBenchmark } from '../lib/stop-benchmark.mjs';

export const id = 'B1';
export const title = 'Stop wide: processes side by side under one leader';
export const budgetMs = { quick: 12_000, full: 480_000 };
export const plot = { figure: 'all gone', scale: 'log' };
export const run = stopBenchmark({ shape: 'wide', sizes: { quick: [10, 50, 200], full: [10, 50, 200, 1000] } });
