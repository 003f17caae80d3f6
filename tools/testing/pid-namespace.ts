import { runToEnd } from './real-process.js';

/** What `unshare` is told so that a program is the first process of a PID namespace with a `/proc` of its own, and dies with it. */
export const IN_PID_NAMESPACE: readonly string[] = ['--pid', '--fork', '--kill-child', '--mount-proc'];

/** Why PID namespaces cannot be made here, or undefined where they can. */
export const whyNoPidNamespace = async (): Promise<string | undefined> => {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root, to make a PID namespace';
  const { code, stderr } = await runToEnd('unshare', [...IN_PID_NAMESPACE, 'true']).catch((error: unknown) => ({
    code: 1,
    stderr: String(error),
  }));
  return code === 0 ? undefined : `needs a PID namespace: ${stderr.trim()}`;
};
