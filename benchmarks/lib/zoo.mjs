/** The specimens: what a session may start, as the tests of the shutdown cascade stop it; fewer side by side and less deep. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPTS = new URL('../../packages/shutdown-cascade/test/fixtures/', import.meta.url);

const hops = [20, 5, 1].flatMap((ms) =>
  [
    ['', 'in one session'],
    ['setsid', 'setsid'],
    ['cleared', 'setsid, env -i'],
  ].map(([how, said]) => ({
    name: `hops every ${ms} ms, ${said}`,
    script: 'hops.sh',
    args: [String(ms), how],
    needs: 'perl',
  })),
);

/** `members`: how many there are once it is up, where that does not change all the time. */
const ALL = [
  { name: 'plain', script: 'plain.sh', members: 1 },
  { name: '20 deep, each ignores TERM', script: 'chain.sh', args: ['20'], members: 20 },
  { name: 'background children', script: 'background.sh', members: 3 },
  { name: 'leader gone, same group', script: 'background-alone.sh', members: 1 },
  { name: 'setsid child', script: 'setsid-child.sh', members: 2 },
  { name: 'setsid child, env -i', script: 'setsid-cleared.sh', members: 2 },
  { name: 'double-fork daemon', script: 'daemon.sh', members: 2 },
  { name: 'daemon, env -i, keeps stdout, leader gone', script: 'daemon-cleared.sh', members: 1 },
  { name: 'daemon, leader gone', script: 'daemon-alone.sh', members: 1 },
  { name: 'ignores TERM, INT and HUP', script: 'ignores-term.sh', members: 2 },
  { name: 'stopped parent and child', script: 'stopped.sh', members: 2, isStopped: true },
  { name: 'stubborn new-session successor on TERM', script: 'successor.sh', args: ['stubborn'], members: 2 },
  { name: 'new-session successor on every TERM', script: 'successor.sh', args: ['endless'], members: 2 },
  ...hops,
  { name: 'own PID namespace', script: 'pid-namespace.sh', members: 3, needs: 'root' },
  { name: 'nohup, leader gone', script: 'nohup.sh', members: 1 },
  { name: 'holds stdout from another session', script: 'holds-stdout.sh', members: 1 },
  { name: '100 wide', script: 'wide.sh', args: ['100'], members: 101 },
  { name: 'another uid', script: 'another-uid.sh', members: 2, needs: 'root' },
  { name: 'zombies, parent never waits', script: 'zombies.sh', members: 1 },
  { name: 'leader obeys, member does not', script: 'leader-obeys.sh', members: 2 },
  { name: 'leader obeys, member does not, env -i', script: 'leader-obeys-cleared.sh', members: 2 },
];

/** What nothing but a cgroup can hold. It is shown, and belongs to no score. */
export const OUT_OF_REACH = 'daemon, env -i, no descriptor of ours, leader gone';

const works = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Those that can be started here, and of the others why not. */
export const zoo = ({ observer }) => {
  const isRoot = process.getuid() === 0 && works('unshare', ['--pid', '--fork', 'true']);
  const hasPerl = works('/usr/bin/perl', ['-MPOSIX=setsid', '-e', '1']);
  // Nothing else ends what forks and ends all the time.
  const endsHops = observer.kind === 'cgroup' ? undefined : 'needs a cgroup v2, to be ended';
  const missing = {
    root: isRoot ? undefined : 'needs root, for a PID namespace and another user',
    perl: hasPerl ? endsHops : 'needs /usr/bin/perl',
  };
  const found = [...ALL, { name: OUT_OF_REACH, script: 'out-of-reach.sh', members: 1 }].map(
    ({ script, args = [], ...one }) => ({
      ...one,
      args: [fileURLToPath(new URL(script, SCRIPTS)), ...args],
      skipped: missing[one.needs],
    }),
  );
  return {
    specimens: found.filter(({ skipped }) => skipped === undefined),
    skipped: found.filter(({ skipped }) => skipped !== undefined),
  };
};
