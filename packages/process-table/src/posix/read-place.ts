import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { isProcessTableError } from '../errors.js';
import type { Place } from '../judge.js';
import { runProgram } from '../run-program.js';

const UUID = /[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}/;

/** The id in what `ioreg`, `sysctl -n` or `sysctl -nx` print; empty where there is none, or one of zeros only. */
export const parseId = (text: string): string => {
  const platform = /"IOPlatformUUID" = "([^"]+)"/.exec(text)?.[1];
  const id = platform ?? UUID.exec(text)?.[0] ?? /Dump:0x([0-9a-f]{32})$/m.exec(text)?.[1] ?? '';
  return /[1-9A-Fa-f]/.test(id) ? id.toLowerCase() : '';
};

/** `~` and the second of the epoch at which this machine booted, as far as the clock and the uptime agree. */
export const bootSecond = (nowMs: number, uptimeS: number): string => `~${(nowMs / 1000 - uptimeS).toFixed(1)}`;

const ask = async (program: string, ...args: string[]): Promise<string> => {
  try {
    const limits = { timeoutMs: 5_000, maxBytes: 1024 * 1024 };
    return parseId(
      (await runProgram({ program, args, environment: { LC_ALL: 'C' }, code: 'ps-failed', ...limits })).stdout,
    );
  } catch (error) {
    // A name that this version of the system does not know, or no such program: the id cannot be read.
    if (isProcessTableError(error)) return '';
    throw error;
  }
};

const readId = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
};

const booted = (): string => bootSecond(Date.now(), uptime());

/** Reads where this process runs. What a system does not say is empty, and then `unknown` whenever it matters. */
export const readPlace = async (platform: NodeJS.Platform): Promise<Place> => {
  const pidNs = platform;
  switch (platform) {
    case 'linux':
      return { bootId: readId('/proc/sys/kernel/random/boot_id'), machineId: readId('/etc/machine-id'), pidNs };
    case 'darwin': {
      const machine = ask('/usr/sbin/ioreg', '-rd1', '-c', 'IOPlatformExpertDevice');
      return { bootId: await ask('/usr/sbin/sysctl', '-n', 'kern.bootsessionuuid'), machineId: await machine, pidNs };
    }
    case 'freebsd': {
      const machine = ask('/sbin/sysctl', '-n', 'kern.hostuuid');
      // -x: the boot id is 16 bytes, of which -n alone prints none.
      const bootId = await ask('/sbin/sysctl', '-nx', 'kern.boot_id');
      return { bootId: bootId || booted(), machineId: await machine, pidNs };
    }
    case 'openbsd':
      return { bootId: booted(), machineId: await ask('/sbin/sysctl', '-n', 'hw.uuid'), pidNs };
    case 'netbsd':
      return { bootId: booted(), machineId: await ask('/sbin/sysctl', '-n', 'machdep.dmi.system-uuid'), pidNs };
    default:
      return { bootId: booted(), machineId: '', pidNs };
  }
};
