/**
 * Some machines have a PID 1 that waits for orphans every few seconds only. Until then they stay in `/proc` as zombies, and each sample
 * would be taken among the dead of the ones before. There the benchmarks run in a PID namespace of their own, whose first process is a
 * shell, which waits at once. So they do when one of them hands out pids again, which is nothing to do among the processes of others.
 */
import { spawn, spawnSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { statOf } from './proc.mjs';

const INSIDE = 'BENCHMARK_NAMESPACE';
const UNSHARE = ['--pid', '--fork', '--mount-proc', '--kill-child', '/bin/sh', '-c'];
/** Several times what a PID 1 takes that waits for its children when it is told. */
const AT_ONCE_MS = 80;

const leavesOrphan = async () => {
  const { stdout } = spawnSync('/bin/sh', ['-c', 'sleep 0.01 >/dev/null & echo $!'], { encoding: 'utf8' });
  await pause(AT_ONCE_MS);
  return statOf(Number(stdout))?.state === 'Z';
};

const reapsLazily = async () => {
  for (let look = 0; look < 3; look += 1) if (await leavesOrphan()) return true;
  return false;
};

const allowed = () => spawnSync('unshare', [...UNSHARE, 'exit 0'], { stdio: 'ignore' }).status === 0;

/** What to say of it in the results. */
export const namespaceNote = process.env[INSIDE];

const reasonFor = async (takesPids) => {
  if (await reapsLazily()) return 'PID 1 of this machine leaves zombies for seconds.';
  return takesPids ? 'pids are handed out again in there.' : undefined;
};

/**
 * Runs a script again in a namespace of its own, where that is called for and possible: its exit code. Undefined where it shall run here.
 * A signal reaches it as a message.
 */
export const runInOwnNamespace = async (script, args, { signal, takesPids }) => {
  if (namespaceNote !== undefined) return undefined;
  const reason = await reasonFor(takesPids);
  if (reason === undefined || !allowed()) return undefined;
  const env = { ...process.env, [INSIDE]: `In a PID namespace of its own: ${reason}` };
  // The shell stays, to wait for those whose parents have gone; it would replace itself by a last command.
  const child = spawn('unshare', [...UNSHARE, '"$@"; exit $?', 'sh', process.execPath, script, ...args], {
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const tell = () => child.connected && child.send({ signal: signal.reason.signal });
  signal.addEventListener('abort', tell, { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
};
