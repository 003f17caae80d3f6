/** Ways to stop what a leader has started, whatever that is by then: SIGTERM, and SIGKILL a second later. Several at the same time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { joining } from '../lib/observer.mjs';
import { connectPm2 } from '../lib/pm2.mjs';
import { unavailable } from './ours.mjs';

const GRACE_MS = 1000;
const UP_MS = 20_000;
const STDIO = ['ignore', 'pipe', 'ignore'];

/**
 * The first line that it writes; what it writes later is read and left aside. Of a leader that has ended before anybody read, Node throws
 * the line away: then its end has to do, and the observer sees the rest.
 */
const untilUp = async (child) => {
  const signal = AbortSignal.timeout(UP_MS);
  const line = once(createInterface({ input: child.stdout }), 'line', { signal });
  const hasEnded = child.exitCode !== null || child.signalCode !== null;
  await Promise.race([line, hasEnded ? undefined : once(child, 'exit', { signal })]);
};

/** Keeps those that run by their names. */
const keeping = ({ start, stop, end = () => {} }) => {
  const running = new Map();
  return {
    begin: async ({ id, args, directory, cgroup }) => {
      const one = await start({ id, args, directory, cgroup });
      running.set(id, one);
      return { cgroup: one.cgroup };
    },
    stop: ({ id }) => stop(running.get(id)),
    end: async ({ id }) => {
      const one = running.get(id);
      running.delete(id);
      if (one !== undefined) await end(one);
    },
  };
};

const started =
  (run) =>
  async ({ args, directory, cgroup }) => {
    const [file, fileArgs] = joining(cgroup, 'sh', args);
    const child = run(file, fileArgs, { cwd: directory, stdio: STDIO });
    await untilUp(child);
    return { child };
  };

const hangUp = ({ child }) => child.stdout.destroy();

/** A leader in a group of its own, started by Node itself. */
const byNode = (stop) =>
  keeping({
    start: started((file, args, options) => spawn(file, args, { ...options, detached: true })),
    stop: ({ child }) => stop(child),
    end: hangUp,
  });

/** `send` is the peer's way to signal it, once for each signal. */
const plain = (send) =>
  byNode(async (child) => {
    await send(child, 'SIGTERM');
    await pause(GRACE_MS);
    await send(child, 'SIGKILL');
  });

/** Whoever has gone by then has gone; so has a group without members. */
const kill = (pid, signal) => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
};

const ours = async (containment) => {
  const skipped = await unavailable(containment);
  if (skipped !== undefined) return { skipped };
  const { createScope } = await import('@cm/shutdown-cascade');
  return keeping({
    start: async ({ args, directory, cgroup: outer }) => {
      const scope = createScope({ containment, graceMs: GRACE_MS });
      // The cgroup tier has a cgroup for it: it must not be taken out of that.
      const [file, fileArgs] = joining(containment === 'cgroup' ? undefined : outer, 'sh', args);
      const { child, cgroup } = await scope.spawn(file, fileArgs, { cwd: directory, stdio: STDIO });
      if (containment === 'cgroup' && cgroup === undefined) throw new Error('the cgroup tier made no cgroup for it');
      await untilUp(child);
      return { scope, child, cgroup };
    },
    stop: async ({ scope }) => ({ ok: (await scope.stop()).ok }),
    end: hangUp,
  });
};

/** pm2 starts the leaders in its daemon, which has a home of its own, and stops them in its own way: a tree of pids, and a timeout. */
const pm2 = async () => {
  const { home, ask, close } = await connectPm2();
  const said = (output) => {
    try {
      return readFileSync(output, 'utf8').includes('\n');
    } catch {
      return false;
    }
  };
  const hasEnded = async (id) => (await ask('describe', id))[0]?.pm2_env.status !== 'online';
  /** When the leader ends it stops to write what others say: then its end has to do. */
  const untilSaid = async (id, output) => {
    for (const endsAt = performance.now() + UP_MS; !said(output) && !(await hasEnded(id)); await pause(20)) {
      if (performance.now() > endsAt) throw new Error('it is not up');
    }
  };
  return {
    ...keeping({
      start: async ({ id, args, directory, cgroup }) => {
        const [script, scriptArgs] = joining(cgroup, '/bin/sh', args);
        const output = join(home, `${id}.out`);
        await ask('start', {
          name: id,
          script,
          args: scriptArgs,
          cwd: directory,
          interpreter: 'none',
          autorestart: false,
          kill_timeout: GRACE_MS,
          output,
          error: '/dev/null',
        });
        await untilSaid(id, output);
        return { id };
      },
      stop: ({ id }) => ask('delete', id).then(() => undefined),
    }),
    close,
  };
};

const peers = {
  'child.kill': async () => plain((child, signal) => child.kill(signal)),
  // On Linux it ends the pids that it is given and nothing below them; it has its own way to SIGKILL.
  fkill: async () => {
    const { default: fkill } = await import('fkill');
    return byNode(({ pid }) => fkill(pid, { forceAfterTimeout: GRACE_MS, silent: true }));
  },
  'tree-kill': async () => {
    const { default: treeKill } = await import('tree-kill');
    return plain(({ pid }, signal) => new Promise((resolve) => treeKill(pid, signal, () => resolve())));
  },
  'pidtree + kill': async () => {
    const { default: pidtree } = await import('pidtree');
    return plain(async ({ pid }, signal) => {
      // It rejects where there is no such pid any more.
      const below = await pidtree(pid).catch(() => []);
      for (const one of [...below, pid]) kill(one, signal);
    });
  },
  'kill(-pgid)': async () => plain(({ pid }, signal) => kill(-pid, signal)),
  execa: async () => {
    const { execa } = await import('execa');
    const options = { reject: false, buffer: false, forceKillAfterDelay: GRACE_MS };
    return keeping({
      start: started((file, args, more) => execa(file, args, { ...more, ...options })),
      stop: async ({ child }) => {
        child.kill('SIGTERM');
        // Its promise waits for whoever holds the pipe, too.
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      },
      end: hangUp,
    });
  },
  pm2,
  'ours (group)': () => ours('group'),
  'ours (cgroup)': () => ours('cgroup'),
};

export const create = (name) => peers[name]();
