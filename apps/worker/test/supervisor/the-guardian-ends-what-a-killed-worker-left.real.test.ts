import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { acquireLock } from '@cm/pid-file/lock';
import { cgroupPath, probeContainment, systemCgroups } from '@cm/shutdown-cascade';
import { describe, expect, test } from 'vitest';
import { runToEnd, startProcess } from '../../../../tools/testing/real-process.js';
import { GUARDIAN_SCRIPT } from '../../src/supervisor/guardian-script.js';
import { eventually, onlyLine, type Place, workerPlace } from '../support.js';

const STUBBORN = 'trap "" TERM INT HUP; sleep 300 & echo up; wait; while :; do sleep 1; done';
/** As stubborn, but nothing stays behind of it when it alone is killed. */
const ALONE = 'trap "" TERM INT HUP; echo up; while :; do sleep 0.1; done';
/** In a session of its own, without the cookie, its parent gone; it keeps our pipe. */
const STRAGGLER = '(setsid env -i sh -c "trap : TERM; echo \\$\\$; while :; do sleep 1; done" &) ; sleep 300';

const best = probeContainment().tier;
if (best !== 'cgroup') console.warn('skipped: the tier cgroup, which does not work here');
const tiers = best === 'cgroup' ? ['cgroup', 'group'] : ['group'];

const startTokenOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? '';

/** The pid that a process of a session has written to its log. */
const saidBy = (place: Place, rowId: string): Promise<number> =>
  eventually('a pid in the log', () => {
    const path = join(place.files.logs, `${rowId}.log`);
    return existsSync(path) && Number(readFileSync(path, 'utf8').trim()) > 1 && Number(readFileSync(path, 'utf8'));
  });

describe.each(tiers)('in tier %s', (tier) => {
  test('after SIGKILL of the worker alone its processes are gone at once, and strangers untouched (fault 12)', async () => {
    await using place = await workerPlace();
    const { pid } = await place.start('--containment', tier);
    const rows = await Promise.all(['a', 'b'].map((name) => place.spawn('s', name, ['sh', '-c', STUBBORN])));
    expect(rows.map(({ containment }) => containment)).toEqual([tier, tier]);
    await using exec = await place.running(['exec', '--session', 's', '--', 'sh', '-c', STUBBORN]);
    expect(await exec.line()).toBe('up');
    const members = await eventually('all members', async () => {
      const all = (await place.processes()).flatMap((row) => row.members);
      return all.length >= 6 && all;
    });
    await using decoy = await startProcess('sh', ['-c', ALONE], { detached: true });
    await using sibling = await startProcess('sleep', ['300'], { env: { ...place.env(), CM_SCOPE: 'of-another' } });
    const guardian = await place.guardian();
    process.kill(pid, 'SIGKILL');
    // How fast it is, is for the benchmark to say.
    for (const member of members) await place.gone(member);
    await place.gone(guardian);
    expect(await Promise.all([decoy, sibling].map((one) => place.isAlive(one.pid)))).toEqual([true, true]);
    expect((await place.cm(['status'])).code).toBe(3);
    await place.start();
    expect(await place.processes()).toEqual([]);
  });

  test('who had left its group, dropped its cookie and lost its parent is gone without another start (fault 12)', async () => {
    await using place = await workerPlace();
    const { pid } = await place.start('--containment', tier);
    const { id } = await place.spawn('s', 'straggler', ['sh', '-c', STRAGGLER]);
    const straggler = await saidBy(place, id);
    expect(await place.isAlive(straggler)).toBe(true);
    process.kill(pid, 'SIGKILL');
    await place.gone(straggler);
    await eventually('its row is gone too', async () => {
      const { body } = await place.json(['recover', '--once']);
      return Object(body).status === 'recovered' && Object(body).found === 0;
    });
  });

  test('what is to be kept lives on, belongs to the next worker, and ends with its session', async () => {
    await using place = await workerPlace();
    const { pid } = await place.start('--containment', tier);
    const text = 'while :; do echo more; sleep 0.05; done';
    const kept = await place.spawn('s', 'kept', ['sh', '-c', text], {
      onWorkerDeath: 'keep',
    });
    const killed = await place.spawn('s', 'killed', ['sleep', '300']);
    process.kill(pid, 'SIGKILL');
    await place.gone(Number(killed.pid));
    expect(await place.isAlive(Number(kept.pid))).toBe(true);
    await place.start();
    await eventually('the killed one is forgotten', async () => (await place.processes()).length === 1);
    expect(await place.processes()).toMatchObject([
      { id: kept.id, pid: kept.pid, status: 'running', containment: tier },
    ]);
    // It writes to a file, not to a pipe that ended with the worker.
    const log = join(place.files.logs, `${kept.id}.log`);
    const before = readFileSync(log, 'utf8').length;
    await eventually('its log grows', () => readFileSync(log, 'utf8').length > before);
    expect((await place.cm(['end', 's'])).code).toBe(0);
    expect(await place.isAlive(Number(kept.pid))).toBe(false);
  });
});

test('a guardian that is killed is replaced, and the children are not touched (fault 12)', async () => {
  await using place = await workerPlace();
  const { pid } = await place.start();
  const row = await place.spawn('s', 'child', ['sh', '-c', STUBBORN]);
  const first = await place.guardian();
  process.kill(first, 'SIGKILL');
  const second = await eventually('another guardian', async () => {
    const found = await place.guardian().catch(() => undefined);
    return found !== undefined && found !== first && found;
  });
  expect(await place.isAlive(Number(row.pid))).toBe(true);
  process.kill(pid, 'SIGKILL');
  await place.gone(Number(row.pid));
  await place.gone(second);
});

test('an orderly stop takes the guardian along, and what was to be kept', async () => {
  await using place = await workerPlace();
  await place.start();
  const kept = await place.spawn('s', 'kept', ['sleep', '300'], { onWorkerDeath: 'keep' });
  const guardian = await place.guardian();
  expect((await place.cm(['stop'])).code).toBe(0);
  expect(await Promise.all([Number(kept.pid), guardian].map(place.isAlive))).toEqual([false, false]);
});

test('it is a shell of a session of its own, without cookie and descriptors, and small', async () => {
  await using place = await workerPlace();
  await place.start();
  const guardian = await place.guardian();
  const status = readFileSync(`/proc/${guardian}/status`, 'utf8');
  const kilobytes = Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]);
  console.info(`the guardian takes ${kilobytes} kB`);
  expect(kilobytes).toBeLessThan(5_000);
  const found = await place.table.identify(guardian);
  if (found.status !== 'alive') throw new Error('no guardian');
  expect(found.process).toMatchObject({ pgid: guardian, sid: guardian, ppid: place.record().pid });
  expect(readFileSync(`/proc/${guardian}/environ`, 'utf8')).not.toContain('CM_SCOPE');
  expect([...((await place.table.openDescriptors(found.process.identity)) ?? new Map()).keys()]).toEqual([0, 1, 2]);
  // Nobody who looks for the daemon by its command line finds this; who sees it knows what it is.
  const line = await place.table.commandLine(found.process.identity);
  expect(line).not.toContain('run');
  expect(line).toContain('cm-guardian');
  expect(line).toContain(place.dataDir);
  expect(line.join(' ').length).toBeLessThan(500);
});

describe('recover', () => {
  test('needs to be told that it is for once', async () => {
    await using place = await workerPlace();
    const { code, stderr } = await place.cm(['recover']);
    expect(code).toBe(2);
    expect(onlyLine(stderr)).toContain('--once');
  });

  test('leaves a running worker and its processes alone', async () => {
    await using place = await workerPlace();
    await place.start();
    const row = await place.spawn('s', 'child', ['sleep', '300']);
    const { code, body } = await place.json(['recover', '--once']);
    expect({ code, status: Object(body).status }).toEqual({ code: 0, status: 'held' });
    expect(await place.isAlive(Number(row.pid))).toBe(true);
  });

  test('a start that comes meanwhile waits for it', async () => {
    await using place = await workerPlace();
    await place.start();
    expect((await place.cm(['stop'])).code).toBe(0);
    const locked = await acquireLock(place.dataDir, 'claim');
    if (locked.status !== 'acquired') throw new Error(locked.status);
    const starting = place.running(['run', '--data-dir', place.dataDir]);
    await using run = await starting;
    const first = run.line();
    // It is there, and has found the claim held.
    await eventually('the run to be up', async () => (await place.table.identify(run.pid)).status === 'alive');
    await locked.lock.release();
    expect(await first).toContain('ready');
  });
});

describe.each([['sh'], ['dash'], ['bash', '--posix'], ['busybox', 'sh']])('the script in %s', (shell, ...more) => {
  test('kills the group that it can prove, and no other (faults 1, 8)', async ({ skip }) => {
    const present = await runToEnd(shell, [...more, '-c', 'exit 0']).catch(() => ({ code: 127 }));
    skip(present.code !== 0, `there is no ${shell} here`);
    await using ours = await startProcess('sh', ['-c', 'sleep 300 & echo up; wait'], { detached: true });
    await using reused = await startProcess('sleep', ['300'], { detached: true });
    await using dropped = await startProcess('sleep', ['300'], { detached: true });
    await using member = await startProcess('sleep', ['300']);
    await ours.line();
    const entry = (pid: number): string => `g:${pid}:${startTokenOf(pid)}`;
    const guardian = spawn(shell, [...more, '-c', GUARDIAN_SCRIPT, 'cm-guardian', '', '', '/'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => guardian.once('exit', resolve));
    guardian.stdin.end(
      [
        `+g:${reused.pid}:1`,
        `+${entry(dropped.pid)}`,
        '+c:/no such directory',
        `+${entry(ours.pid)}`,
        // Leads no group, so there is none of its number.
        `+${entry(member.pid)}`,
        `-${entry(dropped.pid)}`,
        '-g:4:4',
        '',
      ].join('\n'),
    );
    expect(await ours.exit).toEqual({ code: null, signal: 'SIGKILL' });
    await ended;
    for (const one of [reused, dropped, member]) expect(one.child.exitCode ?? one.child.signalCode).toBeNull();
  });

  test('kills a cgroup, whoever is in it', async ({ skip }) => {
    const present = await runToEnd(shell, [...more, '-c', 'exit 0']).catch(() => ({ code: 127 }));
    skip(present.code !== 0, `there is no ${shell} here`);
    const { cgroupParent } = probeContainment();
    skip(cgroupParent === undefined, 'no cgroup can be made here');
    const cgroup = cgroupPath(cgroupParent ?? '', randomUUID());
    systemCgroups.create(cgroup);
    try {
      await using ours = await startProcess('sleep', ['300']);
      systemCgroups.add(cgroup, ours.pid);
      const guardian = spawn(shell, [...more, '-c', GUARDIAN_SCRIPT, 'cm-guardian', '', '', '/'], {
        stdio: ['pipe', 'ignore', 'inherit'],
      });
      guardian.stdin.end(`+c:${cgroup}\n`);
      expect(await ours.exit).toEqual({ code: null, signal: 'SIGKILL' });
    } finally {
      systemCgroups.kill(cgroup);
      await eventually('its end', () => systemCgroups.remove(cgroup));
    }
  });

  test('does not wait for the files of a worker that is dead; a signal while it lives means nothing', async ({
    skip,
  }) => {
    const present = await runToEnd(shell, [...more, '-c', 'exit 0']).catch(() => ({ code: 127 }));
    skip(present.code !== 0, `there is no ${shell} here`);
    // A program that never waits, with a child that has ended: as the kernel shows a worker of which only the first thread is gone.
    await using parent = await startProcess('sh', ['-c', 'sh -c "read -r line" <&3 & echo $!; exec sleep 300 3<&-'], {
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    });
    const worker = Number(await parent.line());
    await using ours = await startProcess('sleep', ['300'], { detached: true });
    const arguments_ = ['-c', GUARDIAN_SCRIPT, 'cm-guardian', '', '', '/', String(worker)];
    await using guardian = await startProcess(shell, [...more, ...arguments_], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    guardian.child.stdin?.write(`+g:${ours.pid}:${startTokenOf(ours.pid)}\n`);
    for (let times = 0; times < 20; times += 1) {
      guardian.child.kill('SIGURG');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(ours.child.exitCode ?? ours.child.signalCode).toBeNull();
    expect(guardian.child.exitCode ?? guardian.child.signalCode).toBeNull();
    for (const stream of [...parent.child.stdio].slice(3)) stream?.destroy();
    await eventually('the worker to be a zombie', () => / Z /.test(readFileSync(`/proc/${worker}/stat`, 'utf8')));
    await eventually('the end', () => {
      guardian.child.kill('SIGURG');
      return ours.child.signalCode === 'SIGKILL';
    });
    // The lifeline was open all the time.
    guardian.child.stdin?.end();
    await guardian.exit;
  });

  test('touches nobody when the worker leaves in order', async ({ skip }) => {
    const present = await runToEnd(shell, [...more, '-c', 'exit 0']).catch(() => ({ code: 127 }));
    skip(present.code !== 0, `there is no ${shell} here`);
    await using ours = await startProcess('sleep', ['300'], { detached: true });
    const guardian = spawn(shell, [...more, '-c', GUARDIAN_SCRIPT, 'cm-guardian', '', '', '/'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => guardian.once('exit', resolve));
    guardian.stdin.end(`+g:${ours.pid}:${startTokenOf(ours.pid)}\n.\n`);
    expect(await ended).toBe(0);
    expect(ours.child.exitCode ?? ours.child.signalCode).toBeNull();
  });
});
