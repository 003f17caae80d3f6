import { eventually } from '../../../tools/testing/eventually.js';
import { type RealProcess, startProcess } from '../../../tools/testing/real-process.js';
import { COOKIE_VARIABLE, createProcessTable } from '../src/index.js';
import { describeProcessTable } from './contract.js';

// Each generation starts the next, says so when it is up, and ends when its parent does or at SIGTERM.
const GENERATION = `
  const { spawn } = require('node:child_process');
  const depth = Number(process.argv[1]);
  const up = () => process.stdout.write('up\\n');
  if (depth === 0) up();
  else {
    const child = spawn(process.execPath, ['-e', process.env.GENERATION, String(depth - 1)], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdout.once('data', up);
  }
  process.stdin.on('end', () => process.exit()).resume();
`;

describeProcessTable('the Linux table', async () => {
  const table = createProcessTable();
  const started: RealProcess[] = [];
  return {
    table,
    start: async ({ cookie, leader = false, depth = 0 } = {}) => {
      const environment = { PATH: process.env.PATH, ...(cookie === undefined ? {} : { [COOKIE_VARIABLE]: cookie }) };
      const deep = depth > 0;
      const child = await startProcess(
        deep ? process.execPath : 'sleep',
        deep ? ['-e', GENERATION, String(depth)] : ['60'],
        { env: deep ? { ...environment, GENERATION } : environment, detached: leader },
      );
      started.push(child);
      if (deep) await child.line();
      // exec lays out the new environment a moment after spawn has returned.
      await eventually('its environment', async () => {
        const row = (await table.list({ cookies: true })).find(({ identity }) => identity.pid === child.pid);
        return row !== undefined && row.cookie === cookie;
      });
      return child.pid;
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of started) await child[Symbol.asyncDispose]();
    },
  };
});
