/** Ends a process and its descendants on Windows. Resolves when the system's tool is done; rejects with its error. */
export type KillTree = (pid: number) => Promise<void>;

/** tree-kill, loaded on first use: only Windows needs it. */
export const killTreeByTaskkill: KillTree = async (pid) => {
  const { default: treeKill } = await import('tree-kill');
  await new Promise<void>((resolve, reject) => {
    // It hands on what `exec` says: null, whatever its types promise.
    treeKill(pid, 'SIGKILL', (error?: Error | null) => (error ? reject(error) : resolve()));
  });
};
