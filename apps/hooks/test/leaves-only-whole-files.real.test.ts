import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { startProcess } from '../../../tools/testing/real-process.js';
import { buildHook, HOOK, hookHome } from './support.js';

beforeAll(buildHook);
vi.setConfig({ testTimeout: 300_000 });

/** Reads every file of a directory as it appears, until told to stop. Returns what was no whole event. */
const watchForParts = (directory: string): { stop: () => Promise<{ seen: number; broken: string[] }> } => {
  const seen = new Set<string>();
  const broken: string[] = [];
  let running = true;
  const look = (): void => {
    for (const name of existsSync(directory) ? readdirSync(directory) : []) {
      if (seen.has(name)) continue;
      seen.add(name);
      try {
        if (typeof JSON.parse(readFileSync(join(directory, name), 'utf8')).id !== 'string') broken.push(name);
      } catch {
        broken.push(name);
      }
    }
  };
  const loop = (async () => {
    while (running) {
      look();
      await new Promise((resolve) => setImmediate(resolve));
    }
    look();
  })();
  return {
    stop: async () => {
      running = false;
      await loop;
      return { seen: seen.size, broken };
    },
  };
};

test('20 hooks at once leave 20 events, none of them ever in part (fault 40, field failure 75)', async () => {
  await using hooks = await hookHome();
  const watch = watchForParts(join(hooks.dataDir, 'spool', 'new'));
  const filler = 'x'.repeat(100_000);
  const runs = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      hooks.run({ input: JSON.stringify({ session_id: 's', tool_use_id: `t${index}`, filler }) }),
    ),
  );
  const { seen, broken } = await watch.stop();
  for (const run of runs) expect(run).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(broken).toEqual([]);
  expect(hooks.notes().filter(({ code }) => code !== 'worker')).toEqual([]);
  expect(seen).toBe(20);
  expect(new Set(hooks.events().map(({ id }) => id)).size).toBe(20);
});

test('a hook killed by its host at any moment leaves no part of an event (fault 41)', async () => {
  await using hooks = await hookHome();
  const env = { PATH: process.env.PATH, HOME: hooks.home, CM_DATA_DIR: hooks.dataDir, CM_WORKER_ENTRY: '/nonexistent' };
  const watch = watchForParts(join(hooks.dataDir, 'spool', 'new'));
  const input = JSON.stringify({ session_id: 's', filler: 'x'.repeat(3_000_000) });
  let [killed, finished] = [0, 0];
  const wholeMs = (await hooks.run({ input })).durationMs;
  // Kills spread evenly over the life of a hook: from its start to well behind its usual end.
  for (let round = 0; round < 24; round += 1) {
    await using hook = await startProcess(process.execPath, [HOOK, 'PostToolUse'], { env });
    hook.child.stdin?.end(input);
    const timer = setTimeout(() => hook.child.kill('SIGKILL'), (round * 2 * wholeMs) / 24);
    const { signal } = await hook.exit;
    clearTimeout(timer);
    if (signal === 'SIGKILL') killed += 1;
    else finished += 1;
  }
  const { broken } = await watch.stop();
  expect(broken).toEqual([]);
  expect(killed).toBeGreaterThan(0);
  expect(finished).toBeGreaterThan(0);
  expect(hooks.eventFiles().length).toBeGreaterThan(finished);
});
