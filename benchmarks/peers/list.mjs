/** Ways to list all processes, and to find those below one. Each answers with the pids that it found. */
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { below, naiveScan } from '../lib/proc.mjs';

const pidsOf = (rows) => rows.map(({ pid }) => pid);

const run = promisify(execFile);

const byPs = async () => {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid='], { maxBuffer: 64 * 1024 * 1024 });
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, ppid] = line.trim().split(/\s+/).map(Number);
      return { pid, ppid };
    });
};

const peers = {
  ours: async () => {
    const { createProcessTable } = await import('@cm/process-table');
    const table = createProcessTable();
    const identified = new Map();
    return {
      // Who it is was found out when it was started.
      know: async ({ root }) => {
        const found = await table.identify(root);
        if (found.status !== 'alive') throw new Error(`the root is ${found.status}`);
        identified.set(root, found.process.identity);
      },
      list: async () => (await table.list()).map(({ identity }) => identity.pid),
      descend: async ({ root }) => (await table.descendants(identified.get(root))).map(({ identity }) => identity.pid),
    };
  },
  'naive /proc scan': async () => ({
    list: async () => pidsOf(naiveScan()),
    descend: async ({ root }) => below(naiveScan(), root),
  }),
  'ps -A': async () => ({
    list: async () => pidsOf(await byPs()),
    descend: async ({ root }) => below(await byPs(), root),
  }),
  'ps-list': async () => {
    const { default: psList } = await import('ps-list');
    return {
      list: async () => pidsOf(await psList()),
      descend: async ({ root }) => below(await psList(), root),
    };
  },
  // It does not list; of pid -1 it gives the whole tree, which is the same work.
  pidtree: async () => {
    const { default: pidtree } = await import('pidtree');
    return {
      list: async () => pidtree(-1),
      descend: async ({ root }) => pidtree(root),
    };
  },
  systeminformation: async () => {
    const { default: si } = await import('systeminformation');
    // For 500 ms it gives the result of the call before again: that is no listing, and would be measured as a very quick one.
    const settle = () => pause(600);
    const all = async () => (await si.processes()).list.map(({ pid, parentPid: ppid }) => ({ pid, ppid }));
    return {
      settle,
      list: async () => pidsOf(await all()),
      descend: async ({ root }) => below(await all(), root),
    };
  },
};

export const create = async (name) => ({ know: async () => {}, settle: async () => {}, ...(await peers[name]()) });
