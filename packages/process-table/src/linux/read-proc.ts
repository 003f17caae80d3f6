import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';

/** The files of `/proc` that the adapter reads, each answer total: `undefined` where there is none. */
export interface ProcFiles {
  readonly pids: () => number[];
  readonly stat: (pid: number) => string | undefined;
  readonly threadGroupOf: (pid: number) => number | undefined;
  readonly environ: (pid: number) => Buffer | undefined;
  readonly commandLine: (pid: number) => string[];
  readonly descriptors: (pid: number) => ReadonlyMap<number, string> | undefined;
  readonly bootId: () => string;
  readonly machineId: () => string;
  readonly pidNamespace: () => string;
  /** The pid under which this `/proc` knows the reader; differs from `process.pid` when it is another namespace's. */
  readonly selfPid: () => number | undefined;
}

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};

/** /proc files report size 0, so they are read until the end; one reused buffer keeps a pass over all processes cheap. */
const createSmallReader = (): ((path: string) => string | undefined) => {
  const buffer = Buffer.allocUnsafe(4096);
  return (path) =>
    attempt(() => {
      const descriptor = openSync(path, 'r');
      try {
        return buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, buffer.length, null));
      } finally {
        closeSync(descriptor);
      }
    });
};

export const readProc = (root = '/proc'): ProcFiles => {
  const small = createSmallReader();
  const text = (path: string): string => attempt(() => readFileSync(path, 'utf8').trim()) ?? '';
  return {
    pids: () => readdirSync(root).flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : [])),
    stat: (pid) => small(`${root}/${pid}/stat`),
    threadGroupOf: (pid) => {
      const match = /^Tgid:\s*(\d+)$/m.exec(small(`${root}/${pid}/status`) ?? '');
      return match === null ? undefined : Number(match[1]);
    },
    environ: (pid) => attempt(() => readFileSync(`${root}/${pid}/environ`)),
    commandLine: (pid) =>
      (attempt(() => readFileSync(`${root}/${pid}/cmdline`, 'utf8')) ?? '').split('\0').slice(0, -1),
    descriptors: (pid) =>
      attempt(() => {
        const targets = new Map<number, string>();
        for (const name of readdirSync(`${root}/${pid}/fd`)) {
          const target = attempt(() => readlinkSync(`${root}/${pid}/fd/${name}`));
          if (target !== undefined) targets.set(Number(name), target);
        }
        return targets;
      }),
    bootId: () => text(`${root}/sys/kernel/random/boot_id`),
    machineId: () => text('/etc/machine-id') || text('/var/lib/dbus/machine-id'),
    pidNamespace: () => attempt(() => readlinkSync(`${root}/self/ns/pid`)) ?? '',
    selfPid: () => attempt(() => Number(readlinkSync(`${root}/self`))),
  };
};
