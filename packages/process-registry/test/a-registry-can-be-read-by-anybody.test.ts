import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { readProcessRegistry } from '../src/index.js';
import { atOnceFs, errno, openRegistry, spec, thrownBy } from './support.js';

/** Every file with its bytes and the time of its last change. */
const filesIn = (directory: string): unknown[] =>
  readdirSync(directory).map((name) => {
    const path = join(directory, name);
    return [name, readFileSync(path, 'latin1'), statSync(path).mtimeMs];
  });

describe('readProcessRegistry', () => {
  it('gives the rows in start order, open or closed, and changes nothing', async () => {
    await using opened = await openRegistry({ compactAfter: 2 });
    const { registry, table, directory } = opened;
    for (const name of ['a', 'b', 'c']) {
      const { id } = registry.prepare(spec({ name }));
      registry.register(id, { identity: table.start(), containment: 'group' });
    }
    const [a, b] = registry.getAll().map(({ id }) => id);
    registry.unregister(a ?? '');
    registry.transition(b ?? '', { type: 'exited', code: 1, signal: null });
    registry.prepareRestart(b ?? '', { restarts: { count: 1, at: [], storms: 0 } });
    expect(registry.getAll().map(({ name }) => name)).toEqual(['c', 'b']);
    const before = filesIn(directory);
    expect(readProcessRegistry({ directory }).rows).toEqual(registry.getAll());
    await registry.close();
    expect(readProcessRegistry({ directory }).rows).toEqual(registry.getAll());
    expect(filesIn(directory)).toEqual(before);
  });

  it('tells what became of each process', async () => {
    await using opened = await openRegistry();
    const { registry, table, directory } = opened;
    const [living, dead, half] = ['living', 'dead', 'half'].map((name) => registry.prepare(spec({ name })));
    const start = (row = living): number => {
      const identity = table.start({ cookie: row?.cookie ?? '' });
      registry.register(row?.id ?? '', { identity, containment: 'group' });
      return identity.pid;
    };
    start(living);
    table.exit(start(dead));
    const { pid } = table.start({ cookie: half?.cookie ?? '' });
    const recovered = await readProcessRegistry({ directory }).recover(table);
    expect(
      recovered.map(({ row, status, found }) => [row.name, status, found.map(({ identity }) => identity.pid)]),
    ).toEqual([
      ['living', 'alive', []],
      ['dead', 'dead', []],
      ['half', 'alive', [pid]],
    ]);
  });

  it('has no rows where there is nothing, and makes nothing', async () => {
    await using temporary = await temporaryDirectory();
    const directory = join(temporary.path, 'registry');
    expect(readProcessRegistry({ directory }).rows).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });

  it('reads around damage without touching it (fault 15)', async () => {
    await using opened = await openRegistry();
    const { registry, directory } = opened;
    for (const name of ['whole', 'damaged', 'torn']) registry.prepare(spec({ name }));
    await registry.close();
    const path = join(directory, 'processes.journal');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"damaged"', '"Damaged"').slice(0, -20));
    const before = filesIn(directory);
    const { rows, dropped } = readProcessRegistry({ directory });
    expect(rows.map(({ name }) => name)).toEqual(['whole']);
    expect(dropped).toBe(1);
    expect(filesIn(directory)).toEqual(before);
  });

  it.each([
    [
      'of a newer version',
      { read: (path: string) => (path.endsWith('.journal') ? Buffer.from('{"schema":99}\n') : undefined) },
      'newer-schema',
    ],
    [
      'that cannot be read',
      {
        read: () => {
          throw errno('EACCES');
        },
      },
      'open-failed',
    ],
  ])('says so of files %s', async (_, fs, code) => {
    const read = (): unknown => readProcessRegistry({ directory: '/nowhere', fs: { ...atOnceFs, ...fs } });
    expect(thrownBy(read)).toMatchObject({ name: 'ProcessRegistryError', code });
  });
});
