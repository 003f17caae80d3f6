import { type ProgramAnswer, type ProgramLimits, runProgram } from '../run-program.js';
import type { PsColumn, PsDialect } from './ps-dialect.js';

export interface PsQuery {
  readonly columns: readonly PsColumn[];
  /** Default: everybody. */
  readonly pids?: readonly number[];
  /** Adds the environment to `args`. */
  readonly environment?: boolean;
}

/** Asks ps. Rejects with `ps-failed`. */
export type RunPs = (query: PsQuery) => Promise<ProgramAnswer>;

/** English dates in UTC, and nothing of ours: a cookie in this environment would be found in ps itself. */
const ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC0', PATH: '/usr/bin:/bin' };

const LIMITS: ProgramLimits = { timeoutMs: 5_000, maxBytes: 64 * 1024 * 1024 };

/** The arguments that put a query to one kind of ps. One `-o` each: POSIX lets a heading run to the end of its argument. */
export const psArguments = (dialect: PsDialect, { columns, pids, environment = false }: PsQuery): string[] => {
  const variables = environment && dialect.environment !== undefined ? [dialect.environment] : [];
  const whom = pids === undefined ? ['-A'] : ['-p', pids.join(',')];
  return [
    ...dialect.prefix,
    ...(dialect.selects ? whom : []),
    ...variables,
    ...(dialect.wide ? ['-ww'] : []),
    ...columns.flatMap((column) => ['-o', `${column}=`]),
  ];
};

export const createRunPs =
  (dialect: PsDialect, limits: Partial<ProgramLimits> = {}): RunPs =>
  (query) =>
    runProgram({
      program: dialect.program,
      args: psArguments(dialect, query),
      environment: ENVIRONMENT,
      code: 'ps-failed',
      ...LIMITS,
      ...limits,
    });
