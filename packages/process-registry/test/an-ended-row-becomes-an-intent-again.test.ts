import { describe, expect, it } from 'vitest';
import type { ProcessRecord, RestartHistory } from '../src/index.js';
import { fragileFs, type OpenedRegistry, openRegistry, spec, thrownBy } from './support.js';

const restarts: RestartHistory = { count: 3, at: [1_700_000_000_000], storms: 1 };

const endedRow = ({ registry, table }: OpenedRegistry, name = 'server'): ProcessRecord => {
  const { id } = registry.prepare(spec({ name, restart: 'permanent', cgroup: '/sys/fs/cgroup/first' }));
  registry.register(id, { identity: table.start(), pgid: 4242, lineage: ['pipe:[1]'], containment: 'cgroup' });
  const row = registry.transition(id, { type: 'exited', code: 1, signal: null }, { stderrTail: 'last words' });
  if (row === undefined) throw new Error('no row');
  return row;
};

describe('prepareRestart', () => {
  it('keeps id, name and spec, and forgets the former process', async () => {
    await using opened = await openRegistry();
    const before = endedRow(opened);
    opened.registry.prepare(spec({ name: 'another' }));
    opened.clock.advance(1000);
    const after = opened.registry.prepareRestart(before.id, { restarts, cookie: 'second', cgroup: '/sys/fs/cgroup/2' });
    const { identity: _i, pgid: _p, lineage: _l, exit: _e, stderrTail: _s, ...kept } = before;
    expect(after).toEqual({
      ...kept,
      status: 'intended',
      cookie: 'second',
      cgroup: '/sys/fs/cgroup/2',
      order: before.order + 2,
      startedAt: new Date(Date.parse(before.startedAt) + 1000).toISOString(),
      containment: '',
      restarts,
    });
    expect(opened.registry.getByPid(Number(before.identity?.pid))).toBeUndefined();
    expect(opened.registry.getAll().map(({ name }) => name)).toEqual(['another', 'server']);
    expect((await opened.reopen()).get(before.id)).toEqual(after);
  });

  it('makes a new cookie, and a cgroup only where one is named', async () => {
    await using opened = await openRegistry({ createCookie: (id) => `cookie of ${id}` });
    const { id } = endedRow(opened);
    const again = opened.registry.prepareRestart(id, { restarts });
    expect(again.cookie).toBe(`cookie of ${id}`);
    expect(again.cgroup).toBeUndefined();
    const { identity } = opened.registry.register(id, { identity: opened.table.start(), containment: 'group' });
    expect(opened.registry.getByPid(Number(identity?.pid))?.status).toBe('running');
  });

  it('refuses a row that has not ended, one that is not there, and a name that was taken since', async () => {
    await using opened = await openRegistry();
    const { registry } = opened;
    const { id } = endedRow(opened);
    expect(thrownBy(() => registry.prepareRestart('p0', { restarts }))).toMatchObject({ code: 'unknown-row' });
    const namesake = registry.prepare(spec());
    expect(thrownBy(() => registry.prepareRestart(namesake.id, { restarts }))).toMatchObject({ code: 'duplicate' });
    expect(thrownBy(() => registry.prepareRestart(id, { restarts }))).toMatchObject({
      code: 'duplicate',
      message: expect.stringContaining(namesake.id),
    });
    expect(registry.get(id)?.status).toBe('exited');
  });

  it('changes nothing when it cannot be written (fault 14)', async () => {
    const fragile = fragileFs();
    await using opened = await openRegistry({ fs: fragile.fs });
    const before = endedRow(opened);
    fragile.fail(true);
    expect(thrownBy(() => opened.registry.prepareRestart(before.id, { restarts }))).toMatchObject({
      code: 'write-failed',
    });
    expect(opened.registry.get(before.id)).toBe(before);
    fragile.fail(false);
    expect((await opened.reopen()).get(before.id)).toEqual(before);
  });

  it('reads no history of the wrong shape', async () => {
    await using opened = await openRegistry();
    const { id } = endedRow(opened);
    const wrong = { count: 1, at: ['yesterday'], storms: 0 } as unknown as RestartHistory;
    expect(thrownBy(() => opened.registry.prepareRestart(id, { restarts: wrong }))).toMatchObject({
      code: 'bad-value',
    });
  });
});

describe('the tail of standard error', () => {
  it('is bounded in bytes and begins with a whole character', async () => {
    await using opened = await openRegistry();
    const { id } = opened.registry.prepare(spec());
    // 4096 is no multiple of three, so a cut at that many bytes would go through a character.
    const text = `${'a'.repeat(100)}${'€'.repeat(2000)}`;
    const row = opened.registry.transition(id, { type: 'exited', code: 1, signal: null }, { stderrTail: text });
    expect(row?.stderrTail).toBe('€'.repeat(1365));
  });
});
