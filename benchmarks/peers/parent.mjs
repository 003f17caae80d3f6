/** Parents that are about to be killed, and what they do so that their children do not survive it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const start = async (command, args, count) => {
  const children = Array.from({ length: count }, () => spawn(command, args, { stdio: 'ignore' }));
  await Promise.all(children.map((child) => once(child, 'spawn')));
  return { leaders: children.map(({ pid }) => pid) };
};

const peers = {
  'setpriv --pdeathsig': async () => ({
    begin: ({ count }) => start('setpriv', ['--pdeathsig', 'KILL', 'sleep', '60'], count),
  }),
  // It gives the process over to one child.
  'foreground-child': async () => {
    const { foregroundChild } = await import('foreground-child');
    return {
      begin: async () => {
        const child = foregroundChild('sleep', ['60'], { stdio: 'ignore' });
        await once(child, 'spawn');
        return { leaders: [child.pid] };
      },
    };
  },
};

export const create = (name) => peers[name]();
