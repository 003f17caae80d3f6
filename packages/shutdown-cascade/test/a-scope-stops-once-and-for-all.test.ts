import { createFakeClock, createFakeProcessTable } from '@cm/process-table/testing';
import { describe, expect, test } from 'vitest';
import { createScope, isShutdownCascadeError, type Scope } from '../src/index.js';

const fakes = (): {
  table: ReturnType<typeof createFakeProcessTable>;
  clock: ReturnType<typeof createFakeClock>;
  scope: Scope;
} => {
  const table = createFakeProcessTable();
  const clock = createFakeClock();
  return { table, clock, scope: createScope({ name: 'session', table, clock }) };
};

describe('a scope', () => {
  test('has a cookie of its own, unless it is given one', () => {
    const { table, clock } = fakes();
    const cookies = [1, 2].map(() => createScope({ table, clock }).cookie);
    expect(new Set(cookies).size).toBe(2);
    for (const cookie of cookies) expect(cookie).toMatch(/^[0-9a-f]{32}$/);
    expect(createScope({ table, clock, cookie: 'given' }).cookie).toBe('given');
  });

  test('takes running processes in, finds their members, and stops them newest first', async () => {
    const { table, scope } = fakes();
    const old = table.start();
    const child = table.start({ ppid: old.pid });
    const young = table.start();
    const stranger = table.start();
    expect(await scope.adopt(old.pid)).toEqual(old);
    expect(await scope.adopt(young.pid)).toEqual(young);
    expect((await scope.members()).map(({ identity }) => identity)).toEqual([old, child, young]);
    const { ok, targets } = await scope.stop();
    expect(ok).toBe(true);
    expect(targets.map(({ id, pid }) => [id, pid])).toEqual([
      ['session/2', young.pid],
      ['session/1', old.pid],
    ]);
    expect((await table.list()).map(({ identity }) => identity)).toEqual([stranger]);
    expect(await scope.members()).toEqual([]);
  });

  test('names each member once, although two targets lead to it', async () => {
    const { table, scope } = fakes();
    const outer = table.start();
    const inner = table.start({ ppid: outer.pid });
    await scope.adopt(outer.pid);
    await scope.adopt(inner.pid);
    expect((await scope.members()).map(({ identity }) => identity.pid)).toEqual([outer.pid, inner.pid]);
  });

  test('takes a process in once', async () => {
    const { table, scope } = fakes();
    const identity = table.start();
    await scope.adopt(identity.pid);
    expect(await scope.adopt(identity.pid)).toEqual(identity);
    expect((await scope.stop()).targets).toHaveLength(1);
  });

  test('its times are those of its processes', async () => {
    const table = createFakeProcessTable();
    const clock = createFakeClock();
    const scope = createScope({ table, clock, stopSignal: 'SIGHUP', graceMs: 40, killWaitMs: 20 });
    const stuck = table.start({ unkillable: true });
    await scope.adopt(stuck.pid);
    const { targets, durationMs } = await scope.stop();
    expect(targets[0]?.signals.map(({ signal, atMs }) => [signal, atMs])).toEqual([
      ['SIGHUP', 0],
      ['SIGKILL', 40],
    ]);
    expect(durationMs).toBe(60);
  });

  test('a deadline, force and progress go through to the cascade', async () => {
    const { table, scope } = fakes();
    const stuck = table.start({ unkillable: true });
    await scope.adopt(stuck.pid);
    const types: string[] = [];
    const { durationMs, survivors } = await scope.stop({
      deadlineMs: 90,
      force: AbortSignal.abort(),
      onProgress: ({ type }) => void types.push(type),
    });
    expect({ durationMs, survivors }).toEqual({ durationMs: 90, survivors: [{ id: 'session/1', pid: stuck.pid }] });
    expect(types).toContain('signalled');
    expect(table.signals.map(({ signal }) => signal)).not.toContain('SIGTERM');
  });
});

describe('adopting', () => {
  test.each([
    ['that does not exist', 4711],
    ['with pid 0 (R20)', 0],
    ['with pid 1 (R20)', 1],
    ['with a negative pid (R20)', -1],
    ['with half a pid (R20)', 1.5],
    ['with a pid beyond the largest (R20)', 2 ** 31],
    ['that is this one (R20)', process.pid],
    ['that is this one’s parent (R20)', process.ppid],
  ])('a process %s: not-found', async (_, pid) => {
    const { table, scope } = fakes();
    if (pid !== 4711) table.start({ pid });
    const failure = await scope.adopt(pid).catch((error: unknown) => error);
    expect(isShutdownCascadeError(failure)).toBe(true);
    expect(failure).toMatchObject({ code: 'not-found' });
    expect((await scope.stop()).targets).toEqual([]);
    expect(table.signals).toEqual([]);
  });

  test('a zombie, or one that cannot be read: not-found', async () => {
    const { table, scope } = fakes();
    const zombie = table.start();
    table.exit(zombie.pid, 'zombie');
    const hidden = table.start();
    table.hide(hidden.pid);
    for (const { pid } of [zombie, hidden]) {
      await expect(scope.adopt(pid)).rejects.toMatchObject({ code: 'not-found' });
    }
  });
});

describe('once a stop has begun (R12, fault 29)', () => {
  test('nothing can be added, while it runs and after it', async () => {
    const { table, scope } = fakes();
    const leader = table.start({ ignores: ['SIGTERM'] });
    const late = table.start();
    await scope.adopt(leader.pid);
    const stopping = scope.stop();
    const refusals = [scope.spawn('true'), scope.adopt(late.pid)];
    for (const refused of refusals) await expect(refused).rejects.toMatchObject({ code: 'stopping' });
    await stopping;
    await expect(scope.spawn('true')).rejects.toMatchObject({ code: 'stopping' });
    await expect(scope.adopt(late.pid)).rejects.toMatchObject({ code: 'stopping' });
    expect(await table.lookup(late)).toMatchObject({ status: 'alive' });
  });

  test('fault 27: an adoption that the stop overtakes takes nothing in', async () => {
    const { table, scope } = fakes();
    const late = table.start();
    const adopting = scope.adopt(late.pid);
    const stopping = scope.stop();
    await expect(adopting).rejects.toMatchObject({ code: 'stopping' });
    expect((await stopping).targets).toEqual([]);
    expect(table.signals).toEqual([]);
  });

  test('a second stop, at once or later, returns the first one’s report', async () => {
    const { table, scope } = fakes();
    const leader = table.start();
    await scope.adopt(leader.pid);
    const [first, second] = await Promise.all([scope.stop(), scope.stop({ deadlineMs: 1 })]);
    expect(second).toBe(first);
    expect(await scope.stop()).toBe(first);
    expect(table.signals.filter(({ signal }) => signal === 'SIGTERM')).toHaveLength(1);
  });

  test('leaving scope is a stop', async () => {
    const { table, clock } = fakes();
    const leader = table.start({ ignores: ['SIGTERM'] });
    {
      await using scope = createScope({ table, clock, graceMs: 50 });
      await scope.adopt(leader.pid);
    }
    expect(await table.list()).toEqual([]);
  });
});

describe('a second request for the stop', () => {
  test('fault 26: its force hurries the first, at whatever time it comes', async () => {
    const { table, clock, scope } = fakes();
    const leader = table.start({ ignores: ['SIGTERM'] });
    await scope.adopt(leader.pid);
    let second: Promise<unknown> | undefined;
    clock.after(700, () => {
      second = scope.stop({ force: AbortSignal.abort() });
    });
    const first = scope.stop();
    const report = await first;
    expect(await second).toBe(report);
    expect(report.durationMs).toBeLessThanOrEqual(725);
    expect(report).toMatchObject({ ok: true, targets: [{ outcome: 'killed' }] });
  });

  test('fault 26: also when it aborts only later; without force it hurries nothing', async () => {
    const { table, clock, scope } = fakes();
    const leader = table.start({ ignores: ['SIGTERM'] });
    await scope.adopt(leader.pid);
    const force = new AbortController();
    clock.after(300, () => void scope.stop());
    clock.after(500, () => void scope.stop({ force: force.signal }));
    clock.after(900, () => force.abort());
    const { durationMs } = await scope.stop();
    expect(durationMs).toBeGreaterThanOrEqual(900);
    expect(durationMs).toBeLessThanOrEqual(925);
  });

  test('an abort ends the stop at once, and says who is left', async () => {
    const { table, clock, scope } = fakes();
    const leader = table.start({ ignores: ['SIGTERM'] });
    await scope.adopt(leader.pid);
    const abort = new AbortController();
    clock.after(300, () => abort.abort());
    const report = await scope.stop({ signal: abort.signal });
    expect(report).toMatchObject({ ok: false, survivors: [{ pid: leader.pid }] });
    expect(report.durationMs).toBeLessThanOrEqual(325);
    expect(table.signals.map(({ signal }) => signal)).not.toContain('SIGKILL');
  });
});
