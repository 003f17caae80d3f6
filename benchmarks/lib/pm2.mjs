import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A pm2 daemon with a home of its own, or in one that is given: `ask(method, ...args)` asks it, `close` ends it. It outlives every round, as
 * it does in use.
 */
export const connectPm2 = async ({ home = mkdtempSync(join(tmpdir(), 'cm-bench-pm2-')) } = {}) => {
  Object.assign(process.env, { PM2_HOME: home, PM2_KILL_SIGNAL: 'SIGTERM', PM2_SILENT: 'true' });
  const { default: api } = await import('pm2');
  const ask = (method, ...args) =>
    new Promise((resolve, reject) => {
      api[method](...args, (error, value) => (error ? reject(error) : resolve(value)));
    });
  await ask('connect');
  return {
    home,
    ask,
    close: async () => {
      await ask('killDaemon').catch(() => {});
      api.disconnect();
      rmSync(home, { recursive: true, force: true });
    },
  };
};
