/**
 * Supervisors that are about to be killed, and their successors. `begin` starts children and puts them on record; in another process `recover`
 * ends those of them that are left.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connectPm2 } from '../lib/pm2.mjs';
import { unavailable } from './ours.mjs';

const GRACE_MS = 5000;
const KILL_WAIT_MS = 1000;

const ours = async (tier) => {
  const skipped = await unavailable(tier);
  if (skipped !== undefined) return { skipped };
  const { createProcessTable } = await import('@cm/process-table');
  const { identityOfRow, openProcessRegistry } = await import('@cm/process-registry');
  const { cgroupPath, isGone, runShutdownCascade, spawnContained } = await import('@cm/shutdown-cascade');
  const table = createProcessTable();

  const specOf = (number, args, cgroup) => ({
    name: `server-${number}`,
    sessionId: 'benchmark',
    type: 'mcp',
    command: 'sleep',
    args,
    cwd: process.cwd(),
    restart: 'temporary',
    stopSignal: 'SIGTERM',
    graceMs: GRACE_MS,
    killWaitMs: KILL_WAIT_MS,
    onWorkerDeath: 'kill',
    envKeys: Object.keys(process.env),
    ...(cgroup === undefined ? {} : { cgroup }),
  });

  const start = async (registry, spec, cookie) => {
    const row = registry.prepare(spec, { cookie });
    const stdio = ['ignore', 'pipe', 'ignore'];
    const { command, args, cgroup } = spec;
    const started = await spawnContained({ command, args, env: process.env, cookie, stdio, cgroup, table });
    const { identity, pgid, lineage } = started;
    registry.register(row.id, { identity, pgid, lineage, containment: tier });
    return identity.pid;
  };

  const toTarget = (row) => {
    const { id, pgid, cookie, cgroup, lineage, order, stopSignal, graceMs, killWaitMs } = row;
    return { id, identity: identityOfRow(row), pgid, cookie, cgroup, lineage, order, stopSignal, graceMs, killWaitMs };
  };

  return {
    begin: async ({ directory, args, count, work }) => {
      const registry = await openProcessRegistry({ directory, table });
      const pids = await Promise.all(
        Array.from({ length: count }, (_, number) => {
          const cookie = randomUUID();
          const cgroup = tier === 'cgroup' ? cgroupPath(work, cookie) : undefined;
          return start(registry, specOf(number, args, cgroup), cookie);
        }),
      );
      return { pids, alsoKilled: [] };
    },
    recover: async ({ directory }) => {
      const moments = [performance.now()];
      const lap = () => moments.push(performance.now());
      const registry = await openProcessRegistry({ directory, table });
      lap();
      const recovered = await registry.recover();
      lap();
      const known = recovered.flatMap(({ row }) => (row.identity === undefined ? [] : [toTarget(row)]));
      const { targets } = await runShutdownCascade(known, { table });
      lap();
      for (const { id, outcome } of targets) if (isGone(outcome)) registry.unregister(id);
      await registry.close();
      lap();
      return { laps: moments.slice(1).map((moment, at) => moment - moments[at]) };
    },
  };
};

const exists = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Pids in a JSON file, and nothing that tells one process from another that has its pid now: as claude-mem stops what supervisor.json names. */
const pidList = async () => {
  const fileIn = (directory) => join(directory, 'supervisor.json');
  const signalAll = (pids, signal) => {
    for (const pid of pids.filter(exists)) process.kill(pid, signal);
  };
  const untilGone = async (pids, ms) => {
    for (const endsAt = performance.now() + ms; pids.some(exists) && performance.now() < endsAt; ) await pause(100);
  };
  return {
    begin: async ({ directory, args, count }) => {
      const processes = {};
      for (let number = 0; number < count; number += 1) {
        const child = spawn('sleep', args, { detached: true, stdio: 'ignore' });
        await once(child, 'spawn');
        processes[`server-${number}`] = { pid: child.pid, startedAt: new Date().toISOString() };
        writeFileSync(fileIn(directory), JSON.stringify({ processes }, null, 2));
      }
      return { pids: Object.values(processes).map(({ pid }) => pid), alsoKilled: [] };
    },
    recover: async ({ directory }) => {
      const { processes } = JSON.parse(readFileSync(fileIn(directory), 'utf8'));
      const pids = Object.values(processes).map(({ pid }) => pid);
      signalAll(pids, 'SIGTERM');
      await untilGone(pids, GRACE_MS);
      signalAll(pids, 'SIGKILL');
      await untilGone(pids, KILL_WAIT_MS);
      writeFileSync(fileIn(directory), JSON.stringify({ processes: {} }, null, 2));
    },
  };
};

/** Its daemon has the children; the successor is another daemon of the same home. */
const pm2 = async () => {
  let connected;
  return {
    begin: async ({ directory, args, count }) => {
      connected = await connectPm2({ home: directory });
      const script = { script: 'sleep', args, interpreter: 'none', exec_mode: 'fork', autorestart: false };
      await connected.ask('start', {
        name: 'server',
        instances: count,
        output: '/dev/null',
        error: '/dev/null',
        ...script,
      });
      await connected.ask('dump');
      const all = await connected.ask('list');
      const daemon = Number(readFileSync(join(directory, 'pm2.pid'), 'utf8'));
      return { pids: all.map(({ pid }) => pid), alsoKilled: [daemon] };
    },
    recover: async ({ directory }) => {
      connected = await connectPm2({ home: directory });
      await connected.ask('resurrect');
    },
    close: async () => connected?.close(),
  };
};

const peers = {
  'ours (group)': () => ours('group'),
  'ours (cgroup)': () => ours('cgroup'),
  'pid list': pidList,
  'pm2 resurrect': pm2,
};

export const create = (name) => peers[name]();
