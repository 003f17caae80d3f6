import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFakeProcessTable } from '@cm/process-table/testing';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { isProcessRegistryError, openProcessRegistry } from '../src/index.js';
import { fragileFs, openRegistry, spec, thrownBy } from './support.js';

const journalOf = (directory: string): string => readFileSync(join(directory, 'processes.journal'), 'utf8');

describe('an intent', () => {
  it('is on disk with its cookie before the spawn (journey B)', async () => {
    await using opened = await openRegistry();
    const row = opened.registry.prepare(spec());
    expect(row).toEqual({
      ...spec(),
      id: expect.stringMatching(/^p[0-9a-z]{17}$/),
      cookie: expect.stringMatching(/^[0-9a-f]{32}$/),
      status: 'intended',
      order: 1,
      startedAt: '2026-01-01T00:00:00.000Z',
      adopted: false,
      attached: false,
      containment: '',
    });
    expect(journalOf(opened.directory)).toContain(row.cookie);
    expect((await opened.reopen()).getAll()).toEqual([row]);
  });

  it('takes the cookie it is given, or asks for one', async () => {
    await using opened = await openRegistry({ createCookie: (id) => `cookie of ${id}` });
    expect(opened.registry.prepare(spec({ name: 'a' }), { cookie: 'mine' }).cookie).toBe('mine');
    const { id, cookie } = opened.registry.prepare(spec({ name: 'b' }));
    expect(cookie).toBe(`cookie of ${id}`);
  });

  it('holds no value of a variable (R18)', async () => {
    await using opened = await openRegistry();
    const error = thrownBy(() => opened.registry.prepare(spec({ envKeys: ['PATH', 'TOKEN=secret'] })));
    expect(error).toMatchObject({ code: 'bad-value' });
    expect(opened.registry.getAll()).toEqual([]);
    opened.registry.prepare(spec());
    expect(journalOf(opened.directory)).not.toContain('secret');
  });

  it('that cannot be written is loud and leaves nothing (R13, fault 14)', async () => {
    const fragile = fragileFs();
    await using opened = await openRegistry({ fs: fragile.fs });
    fragile.fail(true);
    const error = thrownBy(() => opened.registry.prepare(spec()));
    expect(isProcessRegistryError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'write-failed', cause: { code: 'write-failed', cause: { code: 'ENOSPC' } } });
    expect(opened.registry.getAll()).toEqual([]);
    expect(opened.registry.state()).toMatchObject({ status: 'degraded' });
    fragile.fail(false);
    expect(opened.registry.prepare(spec()).order).toBe(1);
    expect(opened.registry.state()).toEqual({ status: 'ok' });
  });
});

describe('a registration', () => {
  it('is on disk when it returns', async () => {
    await using opened = await openRegistry();
    const { id } = opened.registry.prepare(spec());
    const identity = opened.table.start();
    const row = opened.registry.register(id, { identity, pgid: identity.pid, attached: true, containment: 'group' });
    expect(row).toMatchObject({ id, status: 'running', identity, pgid: identity.pid, adopted: false, attached: true });
    expect((await opened.reopen()).getAll()).toEqual([row]);
  });

  it('has no group unless we made one (field failure 42)', async () => {
    await using opened = await openRegistry();
    const { id } = opened.registry.prepare(spec());
    expect(opened.registry.register(id, { identity: opened.table.start(), containment: 'scan' })).not.toHaveProperty(
      'pgid',
    );
  });

  it('that cannot be written is loud, and the intent stays for recovery (R13)', async () => {
    const fragile = fragileFs();
    await using opened = await openRegistry({ fs: fragile.fs });
    const intent = opened.registry.prepare(spec());
    const identity = opened.table.start();
    fragile.fail(true);
    const register = (): unknown => opened.registry.register(intent.id, { identity, containment: 'group' });
    expect(thrownBy(register)).toMatchObject({ code: 'write-failed' });
    expect(opened.registry.get(intent.id)).toEqual(intent);
    expect(opened.registry.getByPid(identity.pid)).toBeUndefined();
    fragile.fail(false);
    expect(register()).toMatchObject({ status: 'running' });
  });
});

it('opens nothing and makes nothing at import (field failure 87)', async () => {
  await using temporary = await temporaryDirectory();
  const directory = join(temporary.path, 'registry');
  const table = createFakeProcessTable();
  expect(existsSync(directory)).toBe(false);
  await using registry = await openProcessRegistry({ directory, table });
  expect(registry.files().map(({ path }) => path)).toEqual([join(directory, 'processes.journal')]);
});

it('a predecessor writes nothing once it is closed (field failure 8)', async () => {
  await using opened = await openRegistry();
  const { registry: old } = opened;
  const { id } = old.prepare(spec());
  const successor = await opened.reopen();
  successor.unregister(id);
  for (const change of [
    () => old.prepare(spec({ name: 'other' })),
    () => old.register(id, { identity: opened.table.start(), containment: 'group' }),
    () => old.transition(id, { type: 'killed' }),
    () => old.unregister(id),
  ]) {
    expect(thrownBy(change)).toMatchObject({ name: 'ProcessRegistryError', code: 'closed' });
  }
  await expect(old.pruneDeadEntries()).rejects.toMatchObject({ code: 'closed' });
  expect(old.get(id)?.status).toBe('intended');
  await old.close();
  expect((await opened.reopen()).getAll()).toEqual([]);
});

it('a registry of a newer version is refused as such', async () => {
  await using opened = await openRegistry();
  await opened.registry.close();
  const fs = fragileFs().fs;
  const newer = { ...fs, read: () => Buffer.from('{"schema":2}\n') };
  const { directory, table } = opened;
  await expect(openProcessRegistry({ directory, table, fs: newer })).rejects.toMatchObject({
    name: 'ProcessRegistryError',
    code: 'newer-schema',
  });
});
