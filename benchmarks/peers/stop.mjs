/** Ways to stop a leader and everything below it. `begin` starts the workload, `stop` is what is measured. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { joining } from '../lib/observer.mjs';
import { connectPm2 } from '../lib/pm2.mjs';
import { ours } from './ours.mjs';

const signalOf = (force) => (force ? 'SIGKILL' : 'SIGTERM');

/** A leader in a group of its own, started by Node itself: what everybody else is given to stop. */
const plain = (stop) => {
  let child;
  return {
    begin: async ({ args, work }) => {
      const [file, fileArgs] = joining(work, '/bin/sh', args);
      child = spawn(file, fileArgs, { detached: true, stdio: 'ignore' });
      await once(child, 'spawn');
      return { leaders: [child.pid] };
    },
    stop: ({ force }) => stop(child.pid, force),
    end: async () => {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
};

const group = (pid, force) => {
  process.kill(-pid, signalOf(force));
};

/** Those that it finds; the leader last. Whoever is gone by then is. */
const killEach = (pids, force) => {
  for (const pid of pids) {
    try {
      process.kill(pid, signalOf(force));
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
};

/** pm2 starts the leader in its daemon. That one outlives every round, as it does in use, and has a home of its own. */
const pm2 = async () => {
  const { ask, close } = await connectPm2();
  return {
    begin: async ({ args, work }) => {
      const [file, fileArgs] = joining(work, '/bin/sh', args);
      const [started] = await ask('start', {
        name: 'workload',
        script: file,
        args: fileArgs,
        interpreter: 'none',
        autorestart: false,
        kill_timeout: 5000,
        output: '/dev/null',
        error: '/dev/null',
      });
      return { leaders: [started.pid ?? started.process.pid] };
    },
    stop: () => ask('delete', 'workload').then(() => undefined),
    end: async () => void (await ask('delete', 'workload').catch(() => {})),
    close,
  };
};

const peers = {
  'kill(-pgid)': async () => plain(group),
  'tree-kill': async () => {
    const { default: treeKill } = await import('tree-kill');
    return plain((pid, force) => new Promise((resolve) => treeKill(pid, signalOf(force), () => resolve())));
  },
  'pidtree + kill': async () => {
    const { default: pidtree } = await import('pidtree');
    return plain(async (pid, force) => killEach([...(await pidtree(pid)), pid], force));
  },
  // On Linux fkill ends the pids that it is given and nothing below them.
  'pidtree + fkill': async () => {
    const [{ default: pidtree }, { default: fkill }] = await Promise.all([import('pidtree'), import('fkill')]);
    return plain(async (pid, force) => fkill([...(await pidtree(pid)), pid], { force, silent: true }));
  },
  pm2,
  'ours (group)': () => ours('group'),
  'ours (cgroup)': () => ours('cgroup'),
  // No stop: what one full look at every process costs among these, which is what the goal of the group tier is made of.
  'one pass over /proc': async () => {
    const { createProcessTable } = await import('@cm/process-table');
    const table = createProcessTable();
    const one = plain(group);
    return {
      ...one,
      stop: async (args) => {
        const startMs = performance.now();
        await table.list({ cookies: true, descriptors: new Set(['x']) });
        const passMs = performance.now() - startMs;
        await one.stop(args);
        return { passMs };
      },
    };
  },
};

export const create = (name) => peers[name]();
