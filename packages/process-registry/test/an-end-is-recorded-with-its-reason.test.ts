import { describe, expect, it } from 'vitest';
import { fragileFs, openRegistry, spec, thrownBy } from './support.js';

const containment = 'group';

describe('an end', () => {
  it.each([
    [[], { type: 'exited', code: 3, signal: null }, { code: 3, signal: null, reason: 'crashed' }],
    [['stop-asked'], { type: 'exited', code: 143, signal: null }, { code: 143, signal: null, reason: 'asked' }],
    [
      ['stop-asked', 'survived'],
      { type: 'exited', code: null, signal: 'SIGKILL' },
      { code: null, signal: 'SIGKILL', reason: 'asked' },
    ],
    [['identity-lost'], { type: 'exited', code: 0, signal: null }, { code: 0, signal: null, reason: 'lost' }],
    [[], { type: 'found-dead' }, { code: null, signal: null, reason: 'lost' }],
    [['stop-asked'], { type: 'found-dead' }, { code: null, signal: null, reason: 'asked' }],
    [['stop-asked'], { type: 'killed' }, { code: null, signal: 'SIGKILL', reason: 'asked' }],
  ] as const)('after %j: %j is %j (field failure 26)', async (events, end, exit) => {
    await using opened = await openRegistry();
    const { id } = opened.registry.prepare(spec());
    opened.registry.register(id, { identity: opened.table.start(), containment });
    for (const type of events) opened.registry.transition(id, { type });
    const row = opened.registry.transition(id, end, { stderrTail: 'last words' });
    expect(row).toMatchObject({ exit, stderrTail: 'last words' });
    expect((await opened.reopen()).get(id)).toEqual(row);
  });

  it('is final: a later event changes nothing and writes nothing', async () => {
    await using opened = await openRegistry();
    const { id } = opened.registry.prepare(spec());
    const row = opened.registry.transition(id, { type: 'exited', code: 1, signal: null });
    const before = opened.registry.files();
    expect(opened.registry.transition(id, { type: 'killed' })).toBe(row);
    expect(opened.registry.files()).toEqual(before);
  });

  it('is believed on a full disk, and written when there is room again (field failure 86, fault 14)', async () => {
    const fragile = fragileFs();
    await using opened = await openRegistry({ fs: fragile.fs });
    const { registry, table } = opened;
    const [a, b, c] = ['a', 'b', 'c'].map((name) => {
      const { id } = registry.prepare(spec({ name }));
      return registry.register(id, { identity: table.start(), containment });
    });
    if (a === undefined || b === undefined || c === undefined) throw new Error('no rows');
    fragile.fail(true);
    expect(registry.transition(a.id, { type: 'exited', code: 1, signal: null })).toMatchObject({ status: 'exited' });
    expect(registry.unregister(b.id)).toEqual({ removed: true });
    expect(registry.getAll().map(({ name, status }) => [name, status])).toEqual([
      ['a', 'exited'],
      ['c', 'running'],
    ]);
    expect(registry.state()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('ENOSPC') });
    expect(thrownBy(() => registry.prepare(spec({ name: 'd' })))).toMatchObject({ code: 'write-failed' });
    fragile.fail(false);
    registry.transition(c.id, { type: 'stop-asked' });
    expect(registry.state()).toEqual({ status: 'ok' });
    expect((await opened.reopen()).getAll().map(({ name, status }) => [name, status])).toEqual([
      ['a', 'exited'],
      ['c', 'stopping'],
    ]);
  });

  it('that was not written is written by the next sweep, or at the latest by close', async () => {
    const fragile = fragileFs();
    await using opened = await openRegistry({ fs: fragile.fs });
    const first = opened.registry.prepare(spec({ name: 'a' }));
    const second = opened.registry.prepare(spec({ name: 'b' }));
    fragile.fail(true);
    opened.registry.unregister(first.id);
    await opened.registry.pruneDeadEntries();
    expect(opened.registry.state()).toMatchObject({ status: 'degraded' });
    fragile.fail(false);
    await opened.registry.pruneDeadEntries();
    expect(opened.registry.state()).toEqual({ status: 'ok' });
    fragile.fail(true);
    opened.registry.unregister(second.id);
    fragile.fail(false);
    expect((await opened.reopen()).getAll()).toEqual([]);
  });
});

describe('a subscriber', () => {
  it('hears of each change once, in order, until it ends its subscription', async () => {
    await using opened = await openRegistry();
    const heard: string[] = [];
    const end = opened.registry.subscribe(({ type, row }) => void heard.push(`${type} ${row.status}`));
    const { id } = opened.registry.prepare(spec());
    opened.registry.register(id, { identity: opened.table.start(), containment });
    opened.registry.transition(id, { type: 'found-alive' });
    opened.registry.transition(id, { type: 'stop-asked' });
    opened.registry.unregister(id);
    opened.registry.unregister(id);
    end();
    opened.registry.prepare(spec());
    expect(heard).toEqual(['added intended', 'changed running', 'changed stopping', 'removed stopping']);
  });

  it('that throws harms nobody', async () => {
    await using opened = await openRegistry();
    let heard = 0;
    opened.registry.subscribe(() => {
      throw new Error('a mistake');
    });
    opened.registry.subscribe(() => {
      heard += 1;
    });
    const row = opened.registry.prepare(spec());
    expect(opened.registry.get(row.id)).toBe(row);
    expect(heard).toBe(1);
  });

  it('may change the registry from within, and finds it up to date (R15)', async () => {
    await using opened = await openRegistry();
    const { registry } = opened;
    const end = registry.subscribe(({ row }) => {
      end();
      expect(registry.get(row.id)).toBe(row);
      registry.unregister(row.id);
    });
    const row = registry.prepare(spec());
    expect(registry.get(row.id)).toBeUndefined();
  });

  it('that joins during a change hears from the next one on (R15)', async () => {
    await using opened = await openRegistry();
    const heard: string[] = [];
    const end = opened.registry.subscribe(() => {
      end();
      opened.registry.subscribe(({ row }) => void heard.push(row.name));
    });
    opened.registry.prepare(spec({ name: 'a' }));
    opened.registry.prepare(spec({ name: 'b' }));
    expect(heard).toEqual(['b']);
  });
});
