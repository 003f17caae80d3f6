import type { KillTree } from '../kill-tree.js';
import { dueStage, pause } from './clockwork.js';
import { pass, takeIn } from './pass.js';
import { attempt, type Context, note, openIdentities, type Running, reach, stillOpen } from './running.js';
import { concludeEmpty, settle } from './settle.js';
import { someAlive } from './signal-members.js';

/** Kills a target's trees from their tops: its leader, and members whose parent is gone or no member. */
const killTrees = async (context: Context, running: Running, killTree: KillTree): Promise<void> => {
  const { identity: leader } = running.plan.target;
  // Looked at now, while parents still link to their children.
  const rows = (await pass(context)) ?? [];
  const below = new Set(rows.filter(({ ppid }) => running.open.has(ppid)).map(({ identity }) => identity.pid));
  const tops = openIdentities(running).filter(({ pid }) => pid === leader.pid || !below.has(pid));
  for (const identity of openIdentities(running)) reach(running, identity, 'SIGKILL');
  for (const top of tops) {
    if ((await context.table.lookup(top)).status !== 'alive') continue;
    note(context, running, 'SIGKILL', [top.pid]);
    // Not waited for: what is alive afterwards shows whether it worked, and the wait for that has an end.
    attempt(() => void killTree(top.pid).then(context.waker.reset, context.waker.reset));
  }
};

const begin = async (context: Context): Promise<void> => {
  await takeIn(context);
  for (const running of context.all) {
    if (running.members.size === 0) await concludeEmpty(context, running);
    else attempt(() => running.plan.target.softStop?.ask());
  }
};

/**
 * Stops trees on Windows. A signal there ends only the root, at once, and with it the links to its children: so after the soft stop
 * the tree is killed while its root still lives (R14), and no signal is ever sent. Without a soft stop there is nothing to wait for.
 */
export const stopByTree = async (context: Context, killTree: KillTree): Promise<void> => {
  await begin(context);
  for (let open = stillOpen(context); open.length > 0; open = stillOpen(context)) {
    for (const running of open) {
      const due = dueStage(context, running);
      if (due === 'killed' && running.stage !== 'killed') {
        await killTrees(context, running, killTree);
        running.killedAtMs = context.elapsedMs();
      }
      running.stage = due;
    }
    for (const running of open) await settle(context, running, !(await someAlive(context, running, true)));
    await pause(context);
  }
};
