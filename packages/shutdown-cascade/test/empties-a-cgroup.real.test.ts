import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { startProcess } from '../../../tools/testing/real-process.js';
import { cgroupPath, probeContainment, systemCgroups } from '../src/index.js';

const { tiers, cgroupParent = '' } = probeContainment();
const why = tiers.find(({ tier }) => tier === 'cgroup')?.why;
if (cgroupParent === '') console.warn(`skipped: real cgroups: ${why}`);

describe.skipIf(cgroupParent === '')('a cgroup of the system', () => {
  let path: string;
  beforeEach(() => {
    path = cgroupPath(cgroupParent, randomBytes(16).toString('hex'));
    systemCgroups.create(path);
  });
  afterEach(async () => {
    systemCgroups.kill(path);
    await eventually('its end', () => systemCgroups.remove(path));
  });

  test('shows, kills and is removed with what is in the groups below it', async () => {
    await using top = await startProcess('sleep', ['600']);
    await using deep = await startProcess('sleep', ['600']);
    const below = join(path, 'made-by-a-child', 'deeper');
    mkdirSync(below, { recursive: true });
    systemCgroups.add(path, top.pid);
    systemCgroups.add(below, deep.pid);
    expect(systemCgroups.pids(path)).toEqual([top.pid, deep.pid]);
    expect(systemCgroups.isPopulated(path)).toBe(true);
    expect(systemCgroups.remove(path)).toBe(false);
    expect(systemCgroups.pids(path)).toEqual([top.pid, deep.pid]);
    expect(systemCgroups.kill(path)).toBe(true);
    expect(await deep.exit).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await top.exit).toEqual({ code: null, signal: 'SIGKILL' });
    await eventually('nobody in it', () => !systemCgroups.isPopulated(path));
    expect(systemCgroups.pids(path)).toEqual([]);
    expect(systemCgroups.remove(path)).toBe(true);
    expect(existsSync(path)).toBe(false);
  });

  test('fault 33: announces that it has emptied', async () => {
    await using member = await startProcess('sleep', ['600']);
    systemCgroups.add(path, member.pid);
    let told: () => void = () => {};
    const announced = new Promise<void>((resolve) => {
      told = resolve;
    });
    using _ = systemCgroups.watch(path, () => {
      if (!systemCgroups.isPopulated(path)) told();
    });
    member.child.kill('SIGKILL');
    await announced;
    expect(systemCgroups.pids(path)).toEqual([]);
  });

  test('fault 34: is empty although a zombie of it has not been waited for', async () => {
    // Its child ends in the cgroup, and nobody waits for it.
    const script = `sh -c 'echo $$ >"$1/cgroup.procs"; exec true' sh "$1" & echo $!; exec sleep 600`;
    await using parent = await startProcess('sh', ['-c', script, 'sh', path]);
    await parent.line();
    await eventually('an empty cgroup', () => !systemCgroups.isPopulated(path));
    expect(systemCgroups.pids(path)).toEqual([]);
  });

  test('that has gone has nobody in it, and is removed and killed already', () => {
    expect(systemCgroups.remove(path)).toBe(true);
    expect(systemCgroups.pids(path)).toEqual([]);
    expect(systemCgroups.isPopulated(path)).toBe(false);
    expect(systemCgroups.kill(path)).toBe(true);
    expect(systemCgroups.remove(path)).toBe(true);
    systemCgroups.watch(path, () => expect.unreachable())[Symbol.dispose]();
    expect(() => systemCgroups.add(path, process.pid)).toThrow('ENOENT');
  });

  test('is nobody else’s: one that exists already is not made again', () => {
    expect(() => systemCgroups.create(path)).toThrow('EEXIST');
  });
});
