import { parseCookie } from './parse-cookie.js';
import type { PsColumn, PsDialect } from './ps-dialect.js';
import type { ReadProcesses } from './read-processes.js';

/** A cookie, and the start token of the process that carries it. */
export interface Carrier {
  readonly cookie: string;
  readonly startToken: string;
}

/** Cookies by pid, of some processes or of all. Whose environment may not be read, or is ambiguous, is left out. */
export type ReadCookies = (pids?: readonly number[]) => Promise<Map<number, Carrier>>;

export const createCookieReader = (dialect: PsDialect, read: ReadProcesses): ReadCookies => {
  const starts = dialect.columns.filter((column) => column === 'lstart' || column === 'etime');
  const columns: readonly PsColumn[] = ['pid', ...starts, 'args'];
  return async (pids) => {
    const carriers = new Map<number, Carrier>();
    if (dialect.environment === undefined) return carriers;
    // ps writes the environment behind the arguments and marks no border: asking without it tells where it begins.
    const [withEnvironment, without] = await Promise.all([read(columns, pids, true), read(columns, pids)]);
    const args = new Map(without.map(({ pid, command }) => [pid, command]));
    for (const { pid, command, startToken } of withEnvironment) {
      const cookie = parseCookie(command, args.get(pid) ?? command);
      if (cookie !== undefined) carriers.set(pid, { cookie, startToken });
    }
    return carriers;
  };
};
