import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createProcessTable } from '@cm/process-table';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { runToEnd } from '../../../tools/testing/real-process.js';
import { type ContainedProcess, createScope, type Outcome, probeContainment, type Scope } from '../src/index.js';
import { fixture } from './fixtures/built.js';
import { type Decoys, decoys } from './fixtures/decoys.js';
import { lineOf } from './fixtures/line-of.js';
import { type Observer, observer } from './fixtures/observer.js';

/** How often the whole zoo is stopped; the long run sets more. */
const ROUNDS = Number(process.env.CM_ZOO_ROUNDS ?? 1);
const { tiers, cgroupParent } = probeContainment();
const table = createProcessTable();

/** Times by which nothing is decided here: a loaded machine must not turn `exited` into `killed`. */
const PATIENT = { graceMs: 20_000, killWaitMs: 10_000 };
/** For those of whom SIGKILL is expected. */
const SHORT = { graceMs: 200, killWaitMs: 10_000 };

interface Kind {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  /** Its times are patient where SIGKILL is not expected. */
  readonly ends: readonly Outcome[];
  /** How many members there are once it is up; not said of what changes all the time. */
  readonly members?: number;
  /** Whether its leader ends by itself. */
  readonly leaderEnds?: boolean;
  readonly ready?: (scope: Scope, process: ContainedProcess) => Promise<boolean>;
  readonly needs?: 'root' | 'perl';
}

const KILLED = ['killed'] as const;
const EXITED = ['exited'] as const;
/** Which of the two depends on the moment. */
const EITHER = ['exited', 'killed'] as const;

const hops: readonly Kind[] = [20, 5, 1].flatMap((ms) =>
  ['', 'setsid', 'cleared'].map(
    (how): Kind => ({
      name: `hops every ${ms} ms ${{ '': 'in one session', setsid: 'with setsid', cleared: 'with setsid, the environment cleared' }[how]}`,
      script: 'hops.sh',
      args: [String(ms), how],
      ends: EITHER,
      leaderEnds: true,
      needs: 'perl',
    }),
  ),
);

const ZOO: readonly Kind[] = [
  { name: 'plain', script: 'plain.sh', ends: EXITED, members: 1 },
  { name: 'a deep chain, each level traps TERM', script: 'chain.sh', args: ['10'], ends: KILLED, members: 10 },
  { name: 'background children', script: 'background.sh', ends: EXITED, members: 3 },
  { name: 'leader exits first, same group', script: 'background-alone.sh', ends: EXITED, members: 1, leaderEnds: true },
  { name: 'a setsid child', script: 'setsid-child.sh', ends: KILLED, members: 2 },
  { name: 'a setsid child without the environment', script: 'setsid-cleared.sh', ends: KILLED, members: 2 },
  { name: 'a double-fork daemon', script: 'daemon.sh', ends: KILLED, members: 2 },
  {
    name: 'a double-fork daemon, setsid, env -i, that keeps our stdout',
    script: 'daemon-cleared.sh',
    ends: KILLED,
    members: 1,
    leaderEnds: true,
  },
  { name: 'a daemon whose leader has exited', script: 'daemon-alone.sh', ends: EXITED, members: 1, leaderEnds: true },
  { name: 'ignores TERM, INT and HUP', script: 'ignores-term.sh', ends: KILLED, members: 2 },
  {
    name: 'a stopped parent and child',
    script: 'stopped.sh',
    ends: EXITED,
    members: 2,
    ready: async (scope) => (await scope.members()).every(({ state }) => state === 'stopped'),
  },
  { name: 'a stubborn new-session successor on TERM', script: 'successor.sh', args: ['stubborn'], ends: KILLED },
  { name: 'a new-session successor on TERM, and again', script: 'successor.sh', args: ['endless'], ends: EITHER },
  ...hops,
  { name: 'a PID namespace of its own', script: 'pid-namespace.sh', ends: KILLED, members: 3, needs: 'root' },
  { name: 'nohup', script: 'nohup.sh', ends: EXITED, members: 1, leaderEnds: true },
  {
    name: 'holds our stdout open from another session',
    script: 'holds-stdout.sh',
    ends: KILLED,
    members: 1,
    leaderEnds: true,
  },
  { name: '1,000 children wide', script: 'wide.sh', args: ['1000'], ends: EXITED, members: 1001 },
  { name: '100 deep', script: 'chain.sh', args: ['100'], ends: KILLED, members: 100 },
  { name: 'another uid', script: 'another-uid.sh', ends: KILLED, members: 2, needs: 'root' },
  {
    name: 'fault 34: zombies under a parent that never waits',
    script: 'zombies.sh',
    ends: KILLED,
    members: 1,
    ready: async (_, { identity }) => {
      const children = (await table.list()).filter(({ ppid }) => ppid === identity.pid);
      return children.length === 3 && children.every(({ state }) => state === 'zombie');
    },
  },
  { name: 'leader obeys TERM while a member ignores it', script: 'leader-obeys.sh', ends: KILLED, members: 2 },
];

interface Exhibit extends AsyncDisposable {
  readonly scope: Scope;
  readonly process: ContainedProcess;
  readonly observer: Observer;
  readonly decoys: Decoys;
  /** What it said when it was up. */
  readonly said: string;
}

const ARGV = ['sh', 'specimen'] as const;

/** The condition of decoys that nobody has touched. */
const UNTOUCHED = {
  'this process': 'running',
  'the parent of this process': 'running',
  'another scope, equal argv': 'running',
  'a sibling scope': 'running',
  'no cookie, equal argv': 'running',
};

/** Starts a specimen, waits until it is up, and puts its decoys beside it. */
const exhibit = async (
  tier: 'cgroup' | 'group',
  { script, args = [], ends, members, leaderEnds = false, ready }: Omit<Kind, 'name'>,
): Promise<Exhibit> => {
  // In the cgroup tier its own cgroup must have gone at the end, which the kernel allows only once it is empty.
  const watcher = await observer(tier === 'group' ? cgroupParent : undefined);
  const scope = createScope({ containment: tier, ...(ends.includes('killed') ? SHORT : PATIENT) });
  let beside: Decoys | undefined;
  const dispose = async (): Promise<void> => {
    await beside?.[Symbol.asyncDispose]();
    await scope.stop({ force: AbortSignal.abort() }).finally(() => watcher[Symbol.asyncDispose]());
  };
  try {
    const joins = watcher.cgroup === undefined ? ':' : `echo $$ >'${watcher.cgroup}/cgroup.procs'`;
    const first = `if [ $# = 0 ]; then ${joins}; set -- ${args.map((arg) => `'${arg}'`).join(' ')}; fi`;
    await writeFile(join(watcher.directory, 'specimen'), `${first}\n. '${fixture(script)}'\n`);
    const process = await scope.spawn(ARGV[0], [ARGV[1]], {
      cwd: watcher.directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said = await lineOf(process.child.stdout);
    // One that has ended first is gone for good only once it has been waited for.
    if (leaderEnds) await process.exited;
    // Some of them fork once more after they have said that they are up.
    await eventually('all its members', async () => {
      if (members !== undefined && (await scope.members()).length !== members) return false;
      return (await ready?.(scope, process)) ?? true;
    });
    beside = await decoys(ARGV, { containment: tier });
    expect(beside.condition()).toEqual(UNTOUCHED);
    // What hops is not seen by every look.
    await eventually('the observer to see it', () => watcher.left().length > 0);
    return { scope, process, observer: watcher, decoys: beside, said, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
};

const works = async (command: string, args: readonly string[]): Promise<boolean> =>
  runToEnd(command, args).then(
    ({ code }) => code === 0,
    () => false,
  );
const missing = {
  root:
    process.getuid?.() === 0 && (await works('unshare', ['--pid', '--fork', 'true']))
      ? undefined
      : 'needs root, for a PID namespace and another user',
  perl: (await works('/usr/bin/perl', ['-MPOSIX=setsid', '-e', '1'])) ? undefined : 'needs /usr/bin/perl',
};

describe.each(['cgroup', 'group'] as const)('the zoo, in tier %s', (tier) => {
  const { available = false, why = 'not here' } = tiers.find((one) => one.tier === tier) ?? {};
  if (!available) console.warn(`skipped: the zoo in tier ${tier}: ${why}`);

  for (const kind of ZOO) {
    const lacks = kind.needs === undefined ? undefined : missing[kind.needs];
    if (available && lacks !== undefined) console.warn(`skipped: ${kind.name}, in tier ${tier}: ${lacks}`);
    const options = { skip: !available || lacks !== undefined, repeats: ROUNDS - 1, timeout: 60_000 };

    test(`fault 8: nothing of it is left and nothing else is touched: ${kind.name}`, options, async () => {
      await using it = await exhibit(tier, kind);
      const report = await it.scope.stop();
      const left = it.observer.left();
      expect({ left, ...report }).toMatchObject({ left: [], ok: true, survivors: [], escaped: [] });
      expect(kind.ends).toContain(report.targets[0]?.outcome);
      if (kind.members !== undefined && !kind.ends.includes('exited')) {
        expect(report.targets[0]?.members.length).toBeGreaterThanOrEqual(kind.members);
      }
      expect(it.process.cgroup === undefined).toBe(tier === 'group');
      if (it.process.cgroup !== undefined) expect(existsSync(it.process.cgroup)).toBe(false);
      expect(it.decoys.condition()).toEqual(UNTOUCHED);
      // Nobody holds our end of the pipe open any more.
      await it.process.closed;
    });
  }

  test('env -i, a new session, every descriptor closed and its parent gone: held by the cgroup alone', {
    skip: !available,
    repeats: ROUNDS - 1,
  }, async () => {
    await using it = await exhibit(tier, { script: 'out-of-reach.sh', ends: KILLED, leaderEnds: true });
    const daemon = Number(it.said);
    expect(it.observer.left()).toEqual([daemon]);
    const report = await it.scope.stop();
    if (tier === 'cgroup') {
      expect(report).toMatchObject({ ok: true, targets: [{ outcome: 'exited', members: [daemon] }] });
      expect(it.observer.left()).toEqual([]);
    } else {
      expect(it.scope.containment().canMiss).toEqual([
        expect.stringMatching(/cleared its environment.*new session.*closed every pipe.*lost its parent/),
      ]);
      // Where this fails, the tier sees more than it says.
      expect(it.observer.left()).toEqual([daemon]);
      expect(report).toMatchObject({ ok: true, targets: [{ outcome: 'gone', members: [], signals: [] }] });
    }
    expect(it.decoys.condition()).toEqual(UNTOUCHED);
  });
});
