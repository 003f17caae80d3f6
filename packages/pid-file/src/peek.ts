import { closeSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { errorCode } from './error-code.js';
import type { PidRecord } from './pid-record.js';

const attempt = (read: () => string): string => {
  try {
    return read().trim();
  } catch {
    return '';
  }
};

const isSame = (recorded: string, here: string): boolean => recorded !== '' && recorded === here;

/** Whether a pid that the record names would mean the same here: only then does its absence prove a death. */
const isOfThisPlace = (record: PidRecord): boolean => {
  const bootId = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
  const machineId = attempt(() => readFileSync('/etc/machine-id', 'utf8'));
  if (record.machineId !== '' && machineId !== '' && record.machineId !== machineId) return false;
  // Of an earlier boot of this machine nothing is left, in any namespace.
  if (bootId !== '' && record.bootId !== '' && bootId !== record.bootId) return isSame(record.machineId, machineId);
  // A /proc of another PID namespace knows this process by another number.
  if (attempt(() => readlinkSync('/proc/self')) !== String(process.pid)) return false;
  return (
    isSame(record.bootId, bootId) &&
    isSame(
      record.pidNs,
      attempt(() => readlinkSync('/proc/self/ns/pid')),
    )
  );
};

/** State letter and start time of a `/proc/PID/stat`; the command in it may hold blanks and parentheses (proc(5)). */
const stateAndStart = (text: string): readonly [string, string] | undefined => {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, start] = [fields[0], fields[19]];
  return state === undefined || start === undefined ? undefined : [state, start];
};

const readStat = (pid: number): string | 'gone' | undefined => {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(`/proc/${pid}/stat`, 'r');
    const bytes = Buffer.allocUnsafe(1024);
    return bytes.toString('latin1', 0, readSync(descriptor, bytes));
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes(errorCode(error)) ? 'gone' : undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
};

/**
 * A cheap look whether the worker of a record seems to live: one read on Linux while it does, a few more before `dead`
 * is said. A hint for clients that must be quick; it never authorises a signal. Elsewhere `unknown`. Never throws.
 */
export const peek = (record: PidRecord, platform: NodeJS.Platform = process.platform): 'alive' | 'dead' | 'unknown' => {
  if (platform !== 'linux') return 'unknown';
  const text = readStat(record.pid);
  if (text === undefined) return 'unknown';
  if (text !== 'gone') {
    const found = stateAndStart(text);
    if (found === undefined || record.startToken === '') return 'unknown';
    const [state, start] = found;
    if (start === record.startToken && state !== 'Z' && state !== 'X') return 'alive';
  }
  return isOfThisPlace(record) ? 'dead' : 'unknown';
};
