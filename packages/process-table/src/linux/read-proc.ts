import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { ProcessTableError } from '../errors.js';

/**
 * The files of `/proc` that the adapter reads. `undefined` where a process has gone or may not be looked at; a failure of
 * the reader itself (EMFILE, ENOMEM) is a `ProcessTableError` of code `unreadable-proc`, never an absence.
 */
export interface ProcFiles {
  /** In rising order. */
  readonly pids: () => Int32Array;
  /** The pid that was handed out last, also to a thread, as text; undefined where the system does not say (proc(5), loadavg). */
  readonly newestPid: () => string | undefined;
  readonly stat: (pid: number) => string | undefined;
  readonly threadGroupOf: (pid: number) => number | undefined;
  /** 0 where it is not said: a kernel thread, or a process that has gone. */
  readonly residentBytes: (pid: number) => number;
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

/** What the kernel says of a process that has ended, or that this user may not look at. */
const ABSENT: readonly string[] = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'];

const unlessAbsent = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (ABSENT.includes(code)) return undefined;
    throw new ProcessTableError('unreadable-proc', `/proc cannot be read: ${code || String(error)}`, { cause: error });
  }
};

const BEYOND_ASCII = /[\x80-\xff]/;

/** /proc files report size 0, so they are read until the end; one reused buffer keeps a pass over all processes cheap. */
const createSmallReader = (): ((path: string) => string | undefined) => {
  const buffer = Buffer.allocUnsafe(4096);
  return (path) =>
    unlessAbsent(() => {
      const descriptor = openSync(path, 'r');
      try {
        const length = readSync(descriptor, buffer, 0, buffer.length, null);
        // Several times faster, and right for all but the rare command that has a name of its own language.
        const text = buffer.toString('latin1', 0, length);
        return BEYOND_ASCII.test(text) ? buffer.toString('utf8', 0, length) : text;
      } finally {
        closeSync(descriptor);
      }
    });
};

const isNumber = (name: string): boolean => {
  const first = name.charCodeAt(0);
  return first >= 48 && first <= 57;
};

export const readProc = (root = '/proc'): ProcFiles => {
  const small = createSmallReader();
  const text = (path: string): string => attempt(() => readFileSync(path, 'utf8').trim()) ?? '';
  return {
    pids: () => {
      const names = unlessAbsent(() => readdirSync(root));
      if (names === undefined) throw new ProcessTableError('unreadable-proc', `${root} is not there`);
      // Node sorts names as text.
      return Int32Array.from(names.filter(isNumber), Number).sort();
    },
    newestPid: () => small(`${root}/loadavg`)?.trim().split(' ')[4],
    stat: (pid) => small(`${root}/${pid}/stat`),
    threadGroupOf: (pid) => {
      const match = /^Tgid:\s*(\d+)$/m.exec(small(`${root}/${pid}/status`) ?? '');
      return match === null ? undefined : Number(match[1]);
    },
    residentBytes: (pid) => Number(/^VmRSS:\s*(\d+) kB$/m.exec(small(`${root}/${pid}/status`) ?? '')?.[1] ?? 0) * 1024,
    environ: (pid) => unlessAbsent(() => readFileSync(`${root}/${pid}/environ`)),
    commandLine: (pid) =>
      (attempt(() => readFileSync(`${root}/${pid}/cmdline`, 'utf8')) ?? '').split('\0').slice(0, -1),
    descriptors: (pid) =>
      unlessAbsent(() => {
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
