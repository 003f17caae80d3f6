import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { nodeJournalFs } from '../src/journal.js';
import { openRegistry, spec } from './support.js';

const LIVES = 20_000;

/** Where the system tells. */
const openFiles = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);

it(`${LIVES} children come and go beside ten that stay: files, rows and descriptors stay few (fault 46, R17)`, async () => {
  await using opened = await openRegistry({ fs: nodeJournalFs, protectedPids: () => [] });
  const { registry, table, directory } = opened;
  const live = (name: string): string => {
    const { id, cookie } = registry.prepare(spec({ name }));
    registry.register(id, { identity: table.start({ cookie }), containment: 'group' });
    return id;
  };
  for (let n = 0; n < 10; n += 1) live(`stays ${n}`);
  const filesBefore = openFiles();
  let largest = 0;
  for (let n = 0; n < LIVES; n += 1) {
    const id = live('comes and goes');
    table.exit(registry.get(id)?.identity?.pid ?? 0);
    registry.transition(id, { type: 'exited', code: 0, signal: null });
    expect(registry.unregister(id)).toEqual({ removed: true });
    if (n % 50 > 0) continue;
    await new Promise((resolve) => setImmediate(resolve));
    largest = Math.max(
      largest,
      registry.files().reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }
  // A thousand lines make a compaction due, and some more come while it is on its way.
  expect(largest).toBeLessThan(4 * 1024 * 1024);
  expect(openFiles()).toBeLessThanOrEqual(filesBefore + 2);
  expect(registry.getAll()).toHaveLength(10);
  expect(registry.state()).toEqual({ status: 'ok' });
  const reopened = await opened.reopen();
  expect(reopened.getAll().map(({ name }) => name)).toEqual(Array.from({ length: 10 }, (_, n) => `stays ${n}`));
  expect(readdirSync(directory).sort()).toEqual(['processes.journal', 'processes.snapshot.json']);
}, 60_000);
