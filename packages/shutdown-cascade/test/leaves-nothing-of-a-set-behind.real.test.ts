import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createProcessTable } from '@cm/process-table';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { startProcess } from '../../../tools/testing/real-process.js';
import { type CascadeReport, createScope, runShutdownCascade, type TargetReport } from '../src/index.js';
import { fixture } from './fixtures/built.js';
import { holdersOf, sweep } from './fixtures/holders.js';
import { specimen } from './fixtures/specimen.js';

const table = createProcessTable();

/** Times by which nothing is decided here: a loaded machine must not turn `exited` into `killed`. */
const PATIENT = { graceMs: 20_000, killWaitMs: 10_000 };
/** For those of whom SIGKILL is expected. */
const SHORT = { graceMs: 200, killWaitMs: 10_000 };

const only = ({ targets: [first, ...others] }: CascadeReport): TargetReport => {
  if (first === undefined || others.length > 0) throw new Error('not one target');
  return first;
};

const isAlive = async (pid: number): Promise<boolean> => (await table.identify(pid)).status === 'alive';

describe('the zoo', () => {
  test.each([
    ['plain', 'plain.sh', [], PATIENT, 'exited', 1],
    ['ignores TERM, INT and HUP', 'ignores-term.sh', [], SHORT, 'killed', 2],
    ['field failure 41: the leader obeys, a member ignores', 'leader-obeys.sh', [], SHORT, 'killed', 2],
    ['the same, and that member has no cookie', 'leader-obeys-cleared.sh', [], SHORT, 'killed', 2],
    ['a child in a session of its own', 'setsid-child.sh', [], SHORT, 'killed', 2],
    ['the same without the cookie', 'setsid-cleared.sh', [], SHORT, 'killed', 2],
    ['a daemon that keeps its environment', 'daemon.sh', [], SHORT, 'killed', 2],
    ['a daemon whose leader has ended', 'daemon-alone.sh', [], PATIENT, 'exited', 1],
    ['a background child whose leader has ended', 'background-alone.sh', [], PATIENT, 'exited', 1],
    ['a chain of 10 that trap TERM', 'chain.sh', ['10'], SHORT, 'killed', 10],
    ['100 children wide', 'wide.sh', ['100'], PATIENT, 'exited', 101],
  ] as const)('%s', async (_, script, args, times, outcome, members) => {
    await using it = await specimen(script, args, times);
    const { pid } = it.process.identity;
    // A leader that ends first is gone for good only once it has been waited for.
    if (script.endsWith('-alone.sh')) await it.process.exited;
    // Some of them fork once more after they have said that they are up.
    await eventually('all its members', async () => (await it.scope.members()).length >= members);
    const report = await it.scope.stop();
    expect(report).toMatchObject({ ok: true, survivors: [], escaped: [] });
    expect(only(report)).toMatchObject({ pid, outcome });
    expect(only(report).members).toHaveLength(members);
    expect(holdersOf(it.scope.cookie)).toEqual([]);
    for (const member of only(report).members) expect(await isAlive(member)).toBe(false);
  });

  test('a stopped parent and child obey, because they are continued', async () => {
    await using it = await specimen('stopped.sh', [], PATIENT);
    await eventually('both to stand still', async () => {
      const members = await it.scope.members();
      return members.length === 2 && members.every(({ state }) => state === 'stopped');
    });
    const report = await it.scope.stop();
    expect(only(report).outcome).toBe('exited');
    expect(only(report).members).toHaveLength(2);
    expect(holdersOf(it.scope.cookie)).toEqual([]);
  });

  test('a successor that is forked on TERM, into a new session, and ignores TERM', async () => {
    await using it = await specimen('successor.sh', ['stubborn'], SHORT);
    const before = new Set(holdersOf(it.scope.cookie));
    const report = await it.scope.stop();
    expect(report.ok).toBe(true);
    expect(only(report).outcome).toBe('killed');
    const successors = only(report).signals.filter(({ to }) => !before.has(to));
    expect(successors.map(({ signal }) => signal)).toContain('SIGKILL');
    expect(holdersOf(it.scope.cookie)).toEqual([]);
  });

  test('a successor that is forked on TERM, and its successor, and so on', async () => {
    await using it = await specimen('successor.sh', ['endless'], { graceMs: 500, killWaitMs: 10_000 });
    const before = new Set(holdersOf(it.scope.cookie));
    const report = await it.scope.stop();
    expect(report).toMatchObject({ ok: true, survivors: [], escaped: [] });
    expect(only(report).members.some((pid) => !before.has(pid))).toBe(true);
    expect(holdersOf(it.scope.cookie)).toEqual([]);
  });

  test('fault 34: zombies under a parent that never waits are no members, and do not hold up the end', async () => {
    await using it = await specimen('zombies.sh', [], SHORT);
    const { pid } = it.process.identity;
    await eventually('the zombies', async () => {
      const children = (await table.list()).filter(({ ppid }) => ppid === pid);
      return children.length === 3 && children.every(({ state }) => state === 'zombie');
    });
    const report = await it.scope.stop();
    expect(only(report)).toMatchObject({ outcome: 'killed', members: [pid] });
    expect(holdersOf(it.scope.cookie)).toEqual([]);
  });

  test('a zombie leader that nobody waits for: its group is found although nothing else is proven', async () => {
    // The leader ends; its parent, a program that never waits, keeps its entry.
    const script = "setsid sh -c 'echo $$; env -i sleep 600 & echo $!; exit' & exec sleep 600";
    await using parent = await startProcess('sh', ['-c', script]);
    const found = await table.identify(Number(await parent.line()));
    const member = Number(await parent.line());
    if (!('process' in found)) throw new Error('no leader');
    const { identity } = found.process;
    try {
      await eventually('the end of the leader', async () => (await table.lookup(identity)).status === 'dead');
      const report = await runShutdownCascade([{ id: 'adopted', identity, ...PATIENT }], { table });
      expect(only(report)).toMatchObject({ outcome: 'exited', members: [member] });
      expect(await isAlive(member)).toBe(false);
    } finally {
      if (await isAlive(member)) process.kill(member, 'SIGKILL');
    }
  });

  test('many at once, all kinds: each has its outcome, and nothing is left', async () => {
    const cookie = randomBytes(16).toString('hex');
    const scope = createScope({ cookie, ...SHORT });
    try {
      for (const script of ['plain.sh', 'ignores-term.sh', 'leader-obeys.sh', 'setsid-child.sh', 'daemon.sh']) {
        await scope.spawn('sh', [fixture(script)], script === 'plain.sh' ? PATIENT : {});
      }
      await eventually('all members', async () => (await scope.members()).length >= 9);
      const report = await scope.stop();
      expect(report).toMatchObject({ ok: true, survivors: [], escaped: [] });
      expect(report.targets).toHaveLength(5);
      const pids = report.targets.flatMap(({ members }) => members);
      // R21: every process is counted once.
      expect(new Set(pids).size).toBe(pids.length);
      for (const { signals } of report.targets) {
        const asked = signals.filter(({ signal }) => signal === 'SIGTERM').map(({ to }) => to);
        expect(new Set(asked).size).toBe(asked.length);
      }
      expect(holdersOf(cookie)).toEqual([]);
    } finally {
      sweep(cookie);
    }
  });
});

describe('strangers', () => {
  test('fault 8: a decoy with equal arguments and another cookie, and a sibling scope, survive untouched', async () => {
    await using it = await specimen('leader-obeys.sh', [], SHORT);
    await using decoy = await specimen('leader-obeys.sh', [], SHORT);
    await using sibling = await specimen('daemon.sh', [], SHORT);
    const [decoys, siblings] = [holdersOf(decoy.scope.cookie), holdersOf(sibling.scope.cookie)];
    expect([decoys.length, siblings.length]).toEqual([2, 2]);
    expect((await it.scope.stop()).ok).toBe(true);
    expect(holdersOf(it.scope.cookie)).toEqual([]);
    expect(holdersOf(decoy.scope.cookie)).toEqual(decoys);
    expect(holdersOf(sibling.scope.cookie)).toEqual(siblings);
    for (const { scope } of [decoy, sibling]) expect((await scope.stop()).ok).toBe(true);
  });

  test('field failure 4, fault 1: a live process whose pid is recorded with another start token is foreign', async () => {
    await using innocent = await startProcess('sleep', ['600']);
    const found = await table.identify(innocent.pid);
    if (found.status !== 'alive') throw new Error('no process');
    const { identity } = found.process;
    const recorded = { ...identity, startToken: String(Number(identity.startToken) - 1) };
    const report = await runShutdownCascade(
      [{ id: 'row', identity: recorded, pgid: identity.pid, cookie: 'nobody', known: [recorded], graceMs: 0 }],
      { table },
    );
    expect(only(report)).toMatchObject({ outcome: 'foreign', signals: [], members: [] });
    expect(await table.lookup(identity)).toMatchObject({ status: 'alive', process: { state: 'running' } });
    expect(await readFile(`/proc/${innocent.pid}/status`, 'utf8')).toMatch(/^ShdPnd:\s*0+$/m);
  });

  test('field failure 1, R20: this very process and its parent are not stopped, whatever the target says', async () => {
    const targets = [];
    for (const pid of [process.pid, process.ppid]) {
      const found = await table.identify(pid);
      if (found.status !== 'alive') throw new Error('no process');
      targets.push({ id: String(pid), identity: found.process.identity, graceMs: 0, killWaitMs: 0 });
    }
    // Siblings of this process must not be reached through its parent either.
    const lookingOn = { ...table, list: async () => [], signal: (): never => expect.unreachable() };
    const report = await runShutdownCascade(targets, { table: lookingOn });
    expect(report.targets.map(({ outcome }) => outcome)).toEqual(['survived', 'survived']);
  });
});

describe('a scope', () => {
  test('fault 27, R12: a spawn that the stop overtakes is stopped, and nobody gets hold of it', async () => {
    const scope = createScope(PATIENT);
    try {
      const spawning = scope.spawn('sh', [fixture('plain.sh')]);
      const stopping = scope.stop();
      await expect(spawning).rejects.toMatchObject({ code: 'stopping' });
      // By the time it is refused it is over.
      expect(holdersOf(scope.cookie)).toEqual([]);
      expect((await stopping).targets.map(({ outcome }) => outcome)).toEqual(['exited']);
    } finally {
      sweep(scope.cookie);
    }
  });

  test('fault 27: and its forced end touches nobody who still has time', async () => {
    await using it = await specimen('plain.sh', [], PATIENT);
    const spawning = it.scope.spawn('sh', [fixture('plain.sh')]);
    const { targets } = await it.scope.stop();
    await expect(spawning).rejects.toMatchObject({ code: 'stopping' });
    expect(targets.map(({ outcome }) => outcome)).toEqual(['exited', 'exited']);
  });

  test('adopts a process that it did not start, with what is below it', async () => {
    await using stranger = await startProcess('sh', ['-c', 'setsid sleep 600 & echo $!; wait']);
    const below = Number(await stranger.line());
    const scope = createScope(PATIENT);
    await scope.adopt(stranger.pid);
    const report = await scope.stop();
    expect(only(report)).toMatchObject({ outcome: 'exited' });
    expect(only(report).members).toEqual([stranger.pid, below]);
    expect(await isAlive(below)).toBe(false);
  });

  test('leaving scope ends everything in it', async () => {
    let cookie = '';
    {
      await using scope = createScope(SHORT);
      cookie = scope.cookie;
      await scope.spawn('sh', [fixture('ignores-term.sh')]);
      await eventually('its members', async () => (await scope.members()).length === 2);
    }
    expect(holdersOf(cookie)).toEqual([]);
  });
});
