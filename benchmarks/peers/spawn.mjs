/** Ways to start one child, up to the moment at which the caller knows that it runs. `end` ends those that were started. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { unavailable } from './ours.mjs';

const COMMAND = ['sleep', ['60']];

const contained = async (containment) => {
  const skipped = await unavailable(containment);
  if (skipped !== undefined) return { skipped };
  const { createScope } = await import('@cm/shutdown-cascade');
  let scope;
  return {
    spawn: async () => {
      scope ??= createScope({ containment });
      await scope.spawn(...COMMAND);
    },
    end: async () => {
      await scope.stop({ force: AbortSignal.abort() });
      scope = undefined;
    },
  };
};

const peers = {
  'child_process.spawn': async () => {
    const children = [];
    return {
      spawn: async () => {
        const child = spawn(...COMMAND, { stdio: 'ignore', detached: true });
        children.push(child);
        await once(child, 'spawn');
      },
      end: async () => {
        for (const child of children.splice(0)) {
          const ended = once(child, 'exit');
          child.kill('SIGKILL');
          await ended;
        }
      },
    };
  },
  execa: async () => {
    const { execa } = await import('execa');
    const children = [];
    return {
      spawn: async () => {
        const child = execa(...COMMAND, { stdio: 'ignore', reject: false });
        children.push(child);
        await once(child, 'spawn');
      },
      end: async () => {
        for (const child of children.splice(0)) {
          child.kill('SIGKILL');
          await child;
        }
      },
    };
  },
  'ours (group)': () => contained('group'),
  'ours (cgroup)': () => contained('cgroup'),
};

export const create = (name) => peers[name]();
