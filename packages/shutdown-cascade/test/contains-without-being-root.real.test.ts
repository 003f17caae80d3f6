import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../../tools/testing/eventually.js';
import { runToEnd } from '../../../tools/testing/real-process.js';
import { probeContainment } from '../src/index.js';
import { type Built, built, fixture } from './fixtures/built.js';

const NOBODY = 65_534;
const { cgroupParent = '', tier, why: reason } = probeContainment();

const impossible = async (): Promise<string | undefined> => {
  if (process.getuid?.() !== 0) return 'needs root, to become another user';
  if (tier !== 'cgroup') return reason;
  // The program and this repository's Node must be readable for everybody.
  const args = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups', process.execPath, '-e', '1'];
  const { code } = await runToEnd('setpriv', args).catch(() => ({ code: 1 }));
  return code === 0 ? undefined : 'needs setpriv, and a Node that everybody may run';
};
const why = await impossible();
if (why !== undefined) console.warn(`skipped: containment for another user: ${why}`);

describe.skipIf(why !== undefined)('for a user who is not root', () => {
  let module: Built;
  let program: string;
  let cgroup: string;
  beforeAll(async () => {
    module = await built();
    const directory = dirname(module.module);
    program = join(directory, 'contains-as-asked.mjs');
    await copyFile(fixture('contains-as-asked.mjs'), program);
    chmodSync(directory, 0o755);
    cgroup = join(cgroupParent, `delegated-${randomBytes(8).toString('hex')}`);
    mkdirSync(cgroup);
  });
  afterAll(async () => {
    writeFileSync(join(cgroup, 'cgroup.kill'), '1');
    await eventually('an empty cgroup', () =>
      /^populated 0$/m.test(readFileSync(join(cgroup, 'cgroup.events'), 'utf8')),
    );
    rmdirSync(cgroup);
    await module[Symbol.asyncDispose]();
  });

  const asNobody = async (choice: string): Promise<unknown> => {
    const script = `echo $$ >"$1/cgroup.procs" && shift &&
      exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups "$@"`;
    const args = ['-c', script, 'sh', cgroup, process.execPath, program, module.module, choice];
    const { stdout, stderr } = await runToEnd('sh', args, { cwd: '/', deadlineMs: 25_000 });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  };

  test('outside a delegated subtree: the probe says why not, and tier group holds what it can', async () => {
    expect(await asNobody('cgroup')).toMatchObject({
      uid: NOBODY,
      tier: 'none',
      why: `no cgroup: no cgroup can be made in ${cgroup}: EACCES`,
      error: 'containment-failed',
    });
    expect(await asNobody('auto')).toMatchObject({
      tier: 'group',
      why: expect.stringContaining(`(no cgroup: no cgroup can be made in ${cgroup}: EACCES)`),
      tiers: [
        { tier: 'cgroup', available: false },
        { tier: 'group', available: true },
      ],
      ok: true,
      outcome: 'killed',
      members: 1,
      left: [],
    });
  });

  test('a directory alone does not make a delegated subtree: nobody can join a group in it', async () => {
    chownSync(cgroup, NOBODY, NOBODY);
    expect(await asNobody('cgroup')).toMatchObject({
      tier: 'none',
      why: expect.stringMatching(/^no cgroup: .*(join|moved)/),
    });
  });

  test('in a delegated subtree: a cgroup holds everything, and is gone afterwards', async () => {
    chownSync(cgroup, NOBODY, NOBODY);
    chownSync(join(cgroup, 'cgroup.procs'), NOBODY, NOBODY);
    expect(await asNobody('cgroup')).toMatchObject({
      uid: NOBODY,
      tier: 'cgroup',
      cgroupParent: cgroup,
      ok: true,
      outcome: 'killed',
      survivors: [],
      members: 1,
      cgroup: expect.stringMatching(new RegExp(`^${cgroup}/cm-[0-9a-f]{32}$`)),
      cgroupLeft: false,
      left: [],
    });
  });
});
