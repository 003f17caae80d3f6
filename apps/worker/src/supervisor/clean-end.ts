import type { ProcessExit } from '@cm/process-registry';

/**
 * The signals that ask a process to go, and their numbers: whoever ends by one has not failed. As systemd has it (systemd.service(5),
 * `Restart=`); shells, and programs that catch the signal, report it as 128 + n (field failure 26).
 */
const POLITE: ReadonlyMap<string, number> = new Map([
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGPIPE', 13],
  ['SIGTERM', 15],
]);
const CODES: ReadonlySet<number> = new Set([0, ...[...POLITE.values()].map((number) => 128 + number)]);

/** Whether a process ended as one does that has done its work, or was asked to go. An end that nobody saw was not. */
export const isCleanEnd = ({ code, signal }: Pick<ProcessExit, 'code' | 'signal'>): boolean =>
  signal === null ? code !== null && CODES.has(code) : POLITE.has(signal);
