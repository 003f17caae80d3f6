import { describe, expect, it } from 'vitest';
import type { ProcessRegistry } from '../src/index.js';
import { openRegistry, spec, thrownBy } from './support.js';

const containment = 'group';

describe('a live name', () => {
  it('is not taken twice in one session (field failures 39, 40)', async () => {
    await using opened = await openRegistry();
    const { registry } = opened;
    const { id } = registry.prepare(spec());
    const again = (): unknown => registry.prepare(spec());
    expect(thrownBy(again)).toMatchObject({ code: 'duplicate', message: expect.stringContaining(id) });
    registry.register(id, { identity: opened.table.start(), containment });
    expect(thrownBy(again)).toMatchObject({ code: 'duplicate' });
    registry.transition(id, { type: 'stop-asked' });
    expect(thrownBy(again)).toMatchObject({ code: 'duplicate' });
    registry.transition(id, { type: 'survived' });
    expect(thrownBy(again)).toMatchObject({ code: 'duplicate' });
    registry.transition(id, { type: 'identity-lost' });
    expect(thrownBy(again)).toMatchObject({ code: 'duplicate' });
    expect(thrownBy(() => opened.registry.register(id, { identity: opened.table.start(), containment }))).toMatchObject(
      {
        code: 'duplicate',
      },
    );
    registry.transition(id, { type: 'killed' });
    registry.prepare(spec());
    expect(registry.getAll().map(({ status }) => status)).toEqual(['killed', 'intended']);
  });

  it('is not taken twice across a restart either (field failure 40)', async () => {
    await using opened = await openRegistry();
    opened.registry.prepare(spec());
    const next = await opened.reopen();
    expect(thrownBy(() => next.prepare(spec()))).toMatchObject({ code: 'duplicate' });
  });

  it('belongs to its session alone: session ids are opaque (R7, S7)', async () => {
    await using opened = await openRegistry();
    const sessions = ['', '42', '042', '42 ', '4', '__proto__', 'a","b', 'a', 'ä'];
    for (const sessionId of sessions) opened.registry.prepare(spec({ sessionId }));
    opened.registry.prepare(spec({ sessionId: '4', name: '2server' }));
    const check = (registry: ProcessRegistry): void => {
      for (const sessionId of sessions) {
        const rows = registry.getBySession(sessionId);
        expect(rows.map((row) => row.sessionId)).toEqual(sessionId === '4' ? ['4', '4'] : [sessionId]);
      }
      expect(registry.getBySession('nobody')).toEqual([]);
    };
    check(opened.registry);
    check(await opened.reopen());
  });
});

describe('a pid', () => {
  it.each([0, 1, -1, 1.5, 2 ** 31, Number.NaN, process.pid, process.ppid])(
    '%d is never a child (R20, fault 7)',
    async (pid) => {
      await using opened = await openRegistry();
      const { id } = opened.registry.prepare(spec());
      const good = opened.table.start();
      const identity = { ...good, pid };
      expect(thrownBy(() => opened.registry.register(id, { identity, containment }))).toMatchObject({
        code: 'bad-pid',
      });
      expect(thrownBy(() => opened.registry.register(id, { identity: good, pgid: pid, containment }))).toMatchObject({
        code: 'bad-pid',
      });
      expect(opened.registry.get(id)?.status).toBe('intended');
    },
  );

  it('of a process that is registered already is refused', async () => {
    await using opened = await openRegistry();
    const identity = opened.table.start();
    const first = opened.registry.prepare(spec({ name: 'a' }));
    const second = opened.registry.prepare(spec({ name: 'b' }));
    opened.registry.register(first.id, { identity, containment });
    const register = (): unknown => opened.registry.register(second.id, { identity, containment });
    expect(thrownBy(register)).toMatchObject({ code: 'duplicate', message: expect.stringContaining(first.id) });
    opened.registry.transition(first.id, { type: 'exited', code: 0, signal: null });
    expect(register()).toMatchObject({ status: 'running' });
    expect(opened.registry.getByPid(identity.pid)?.id).toBe(second.id);
  });

  it('that was reused is another process, and the live row answers for it (field failure 4)', async () => {
    await using opened = await openRegistry();
    const first = opened.registry.prepare(spec({ name: 'a' }));
    const second = opened.registry.prepare(spec({ name: 'b' }));
    const identity = opened.table.start();
    opened.registry.register(first.id, { identity, containment });
    const successor = opened.table.reusePid(identity.pid);
    opened.registry.register(second.id, { identity: successor, containment });
    expect(opened.registry.getByPid(identity.pid)?.id).toBe(second.id);
    opened.registry.transition(second.id, { type: 'exited', code: 0, signal: null });
    expect(opened.registry.getByPid(identity.pid)?.id).toBe(first.id);
    opened.registry.transition(first.id, { type: 'found-dead' });
    expect(opened.registry.getByPid(identity.pid)?.id).toBe(second.id);
    expect(opened.registry.getByPid(99_999)).toBeUndefined();
  });
});

describe('a row id', () => {
  it('that is unknown, or has ended, cannot be registered', async () => {
    await using opened = await openRegistry();
    const { id } = opened.registry.prepare(spec());
    const register = (row: string): unknown =>
      opened.registry.register(row, { identity: opened.table.start(), containment });
    expect(thrownBy(() => register('p0'))).toMatchObject({ code: 'unknown-row' });
    opened.registry.transition(id, { type: 'exited', code: 0, signal: null });
    expect(thrownBy(() => register(id))).toMatchObject({ code: 'row-ended' });
  });

  it('that is unknown, or forgotten, is harmless to forget again (R27)', async () => {
    await using opened = await openRegistry();
    const { id } = opened.registry.prepare(spec());
    expect(opened.registry.unregister('p0')).toEqual({ removed: false });
    expect(opened.registry.unregister(id)).toEqual({ removed: true });
    expect(opened.registry.unregister(id)).toEqual({ removed: false });
    expect(opened.registry.transition(id, { type: 'killed' })).toBeUndefined();
    expect(opened.registry.getAll()).toEqual([]);
    expect((await opened.reopen()).getAll()).toEqual([]);
  });

  it('is unique and sorts as it was made, also when the clock stands still or is set back', async () => {
    let now = Date.UTC(2026, 0, 1);
    await using opened = await openRegistry({
      clock: { monotonicMs: () => 0, wallMs: () => now, sleep: () => Promise.resolve() },
    });
    const make = (registry: ProcessRegistry, n: number): string => registry.prepare(spec({ name: String(n) })).id;
    const ids = Array.from({ length: 50 }, (_, n) => make(opened.registry, n));
    now -= 3_600_000;
    const next = await opened.reopen();
    ids.push(...Array.from({ length: 50 }, (_, n) => make(next, 100 + n)));
    expect(new Set(ids).size).toBe(100);
    expect([...ids].sort()).toEqual(ids);
    expect(next.getAll().map(({ id }) => id)).toEqual(ids);
  });
});

it('start order holds for equal times, through changes and restarts', async () => {
  await using opened = await openRegistry();
  const rows = ['a', 'b', 'c', 'd'].map((name) => opened.registry.prepare(spec({ name })));
  for (const row of [...rows].reverse()) {
    opened.registry.register(row.id, { identity: opened.table.start(), containment });
  }
  const [a, b] = rows;
  opened.registry.transition(a?.id ?? '', { type: 'stop-asked' });
  opened.registry.unregister(b?.id ?? '');
  const names = (registry: ProcessRegistry): string[] => registry.getAll().map(({ name }) => name);
  expect(names(opened.registry)).toEqual(['a', 'c', 'd']);
  const next = await opened.reopen();
  expect(names(next)).toEqual(['a', 'c', 'd']);
  next.prepare(spec({ name: 'e' }));
  expect(next.getBySession('s1').map(({ order }) => order)).toEqual([1, 3, 4, 5]);
});
