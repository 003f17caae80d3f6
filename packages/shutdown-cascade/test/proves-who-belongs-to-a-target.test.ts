import type { ProcessIdentity } from '@cm/process-table';
import { createFakeProcessTable, type FakeProcessTable } from '@cm/process-table/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { membersOf, type StopTarget } from '../src/index.js';

let table: FakeProcessTable;
beforeEach(() => {
  table = createFakeProcessTable();
});

const members = async (
  target: Pick<StopTarget, 'identity' | 'pgid' | 'cookie' | 'known'>,
  never?: ReadonlySet<number>,
): Promise<number[]> => {
  const rows = await table.list({ cookies: true });
  return membersOf(target, rows, never)
    .map((row) => row.identity.pid)
    .sort((a, b) => a - b);
};
/** An identity whose pid is somebody else's by now. */
const stale = (identity: ProcessIdentity): ProcessIdentity => ({ ...identity, startToken: 'earlier' });

describe('the proven', () => {
  test('the leader, and nobody beside it', async () => {
    const identity = table.start();
    table.start();
    expect(await members({ identity })).toEqual([identity.pid]);
  });

  test('field failure 4: not a leader whose pid was handed out again, nor what hangs below the new holder', async () => {
    const identity = table.start();
    table.reusePid(identity.pid);
    table.start({ ppid: identity.pid, pgid: identity.pid });
    expect(await members({ identity, pgid: identity.pid })).toEqual([]);
  });

  test('fault 3: not a leader whose identity cannot be compared', async () => {
    const identity = table.start();
    expect(await members({ identity: { ...identity, bootId: '' } })).toEqual([]);
    expect(await members({ identity: { ...identity, startToken: '' } })).toEqual([]);
    expect(await members({ identity: { ...identity, machineId: 'another' } })).toEqual([]);
    expect(await members({ identity: { ...identity, pidNs: 'pid:[2]' } })).toEqual([]);
  });

  test('those known from before, by identity, wherever they live now', async () => {
    const identity = table.start();
    const known = table.start({ ppid: 1 });
    const other = table.start();
    expect(await members({ identity, known: [known, stale(other)] })).toEqual([identity.pid, known.pid]);
  });

  test('whoever carries the cookie, whatever has become of parents and groups', async () => {
    const identity = table.start({ cookie: 'ours' });
    table.exit(identity.pid);
    const daemon = table.start({ ppid: 1, cookie: 'ours' });
    expect(await members({ identity, cookie: 'ours' })).toEqual([daemon.pid]);
  });

  test('fault 8: not a decoy with another cookie, a part of it, or none', async () => {
    const identity = table.start({ cookie: 'ours' });
    for (const cookie of ['theirs', 'our', 'ours2', '']) table.start({ cookie });
    table.start();
    expect(await members({ identity, cookie: 'ours' })).toEqual([identity.pid]);
    expect(await members({ identity })).toEqual([identity.pid]);
  });

  test('fault 2: the pid of the leader has a new holder, and that one carries the cookie: a member in its own right', async () => {
    const identity = table.start({ cookie: 'ours' });
    table.reusePid(identity.pid, { cookie: 'ours' });
    expect(await members({ identity, cookie: 'ours' })).toEqual([identity.pid]);
    expect(await members({ identity, cookie: 'another' })).toEqual([]);
  });
});

describe('the lineage', () => {
  test('descendants at any depth, in any group or session', async () => {
    const identity = table.start();
    const child = table.start({ ppid: identity.pid, pgid: identity.pid });
    const setsid = table.start({ ppid: child.pid });
    const deep = table.start({ ppid: setsid.pid });
    expect(await members({ identity })).toEqual([identity, child, setsid, deep].map(({ pid }) => pid));
  });

  test('descendants of those who carry the cookie, and of the known', async () => {
    const identity = table.start();
    table.exit(identity.pid);
    const daemon = table.start({ cookie: 'ours' });
    const known = table.start();
    const below = [daemon, known].map(({ pid }) => table.start({ ppid: pid }));
    expect(await members({ identity, cookie: 'ours', known: [known] })).toEqual(
      [daemon, known, ...below].map(({ pid }) => pid),
    );
  });

  test('fault 9: a child whose pid is below its parent’s', async () => {
    const identity = table.start({ pid: 900 });
    table.start({ pid: 20, ppid: 900 });
    table.start({ pid: 10, ppid: 20 });
    expect(await members({ identity })).toEqual([10, 20, 900]);
  });

  test('the group and the session that a proven member leads', async () => {
    const identity = table.start();
    const inGroup = table.start({ ppid: 1, pgid: identity.pid, sid: 7 });
    const inSession = table.start({ ppid: 1, sid: identity.pid });
    table.start({ ppid: 1, pgid: 7, sid: 7 });
    expect(await members({ identity })).toEqual([identity, inGroup, inSession].map(({ pid }) => pid));
  });

  test('the group that a member found on the way leads, and what descends from that', async () => {
    const identity = table.start();
    const child = table.start({ ppid: identity.pid });
    const orphan = table.start({ ppid: 1, pgid: child.pid });
    const below = table.start({ ppid: orphan.pid });
    expect(await members({ identity })).toEqual([identity, child, orphan, below].map(({ pid }) => pid));
  });

  test('not the group that a member merely is in', async () => {
    table.start({ pid: 50 });
    const identity = table.start({ pgid: 50, sid: 50 });
    table.start({ pgid: 50, sid: 50 });
    expect(await members({ identity })).toEqual([identity.pid]);
  });
});

describe('the group of the target (field failures 41 and 42)', () => {
  test('counts while a proven member is in it', async () => {
    const leader = table.start({ cookie: 'ours' });
    const proven = table.start({ ppid: leader.pid, pgid: leader.pid, cookie: 'ours' });
    const cleared = table.start({ ppid: leader.pid, pgid: leader.pid });
    table.exit(leader.pid);
    const target = { identity: leader, pgid: leader.pid, cookie: 'ours' };
    expect(await members(target)).toEqual([proven.pid, cleared.pid]);
    expect(await members({ ...target, cookie: undefined, known: [cleared] })).toEqual([proven.pid, cleared.pid]);
    expect(await members({ ...target, pgid: undefined })).toEqual([proven.pid]);
  });

  test('also as a session', async () => {
    const leader = table.start();
    const proven = table.start({ ppid: leader.pid, sid: leader.pid, cookie: 'ours' });
    const cleared = table.start({ ppid: leader.pid, pgid: leader.pid });
    table.exit(leader.pid);
    expect(await members({ identity: leader, pgid: leader.pid, cookie: 'ours' })).toEqual([proven.pid, cleared.pid]);
  });

  test('does not count once nobody in it is proven: its number may be a stranger’s by now', async () => {
    const leader = table.start();
    const elsewhere = table.start({ ppid: 1, cookie: 'ours' });
    table.start({ ppid: 1, pgid: leader.pid });
    table.exit(leader.pid);
    expect(await members({ identity: leader, pgid: leader.pid, cookie: 'ours' })).toEqual([elsewhere.pid]);
  });
});

describe('the left out', () => {
  test('fault 34: zombies are no members', async () => {
    const identity = table.start({ cookie: 'ours' });
    const child = table.start({ ppid: identity.pid, cookie: 'ours' });
    table.exit(child.pid, 'zombie');
    expect(await members({ identity, cookie: 'ours', known: [child] })).toEqual([identity.pid]);
  });

  test('but a zombie proves its group: the number is not handed out while it is there', async () => {
    const identity = table.start();
    const cleared = table.start({ ppid: identity.pid, pgid: identity.pid });
    table.exit(identity.pid, 'zombie');
    expect(await members({ identity })).toEqual([cleared.pid]);
    expect(await members({ identity: stale(identity), pgid: identity.pid })).toEqual([]);
  });

  test('field failure 1, R20: pids that are never to be signalled, and nothing is reached through them', async () => {
    const caller = table.start({ cookie: 'ours' });
    const identity = table.start({ ppid: caller.pid, pgid: caller.pid, cookie: 'ours' });
    const uncle = table.start({ ppid: caller.pid });
    expect(await members({ identity: caller, cookie: 'ours' }, new Set([caller.pid]))).toEqual([identity.pid]);
    expect(await members({ identity: caller, cookie: 'ours' })).toEqual([caller.pid, identity.pid, uncle.pid]);
  });

  test.each([0, 1])('R20: pid %i, whatever it seems to belong to', async (pid) => {
    const identity = table.start();
    table.start({ pid, ppid: identity.pid, pgid: identity.pid, cookie: 'ours' });
    const orphan = table.start({ ppid: pid, pgid: 77, sid: 77 });
    expect(await members({ identity, cookie: 'ours' })).toEqual([identity.pid]);
    expect(await members({ identity: { ...orphan, pid, startToken: '2' }, cookie: 'ours' })).toEqual([]);
  });
});
