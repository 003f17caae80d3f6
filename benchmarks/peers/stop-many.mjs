/** Twenty children, each started and stopped by itself, some of which ignore SIGTERM. */
import { joining } from '../lib/observer.mjs';
import { ours } from './ours.mjs';

const peers = {
  execa: async () => {
    const { execa } = await import('execa');
    let children = [];
    return {
      begin: async ({ all, work, graceMs }) => {
        children = all.map((args) => {
          const [file, fileArgs] = joining(work, '/bin/sh', args);
          return execa(file, fileArgs, { stdio: 'ignore', reject: false, forceKillAfterDelay: graceMs });
        });
        return { leaders: children.map(({ pid }) => pid) };
      },
      stop: async () => {
        for (const child of children) child.kill('SIGTERM');
        await Promise.all(children);
      },
      end: async () => void (await Promise.all(children)),
    };
  },
  'ours (group)': () => ours('group'),
  'ours (cgroup)': () => ours('cgroup'),
};

export const create = (name) => peers[name]();
