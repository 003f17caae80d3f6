import { type PsProcess, parsePs } from './parse-ps.js';
import type { PsColumn } from './ps-dialect.js';
import type { RunPs } from './run-ps.js';

/** Asks ps for some columns of some processes, or of all: some kinds of ps know no other answer. ps itself is left out. Rejects with `ps-failed`. */
export type ReadProcesses = (
  columns: readonly PsColumn[],
  pids?: readonly number[],
  environment?: boolean,
) => Promise<PsProcess[]>;

/** Elapsed times are whole seconds, so a start worked out from one is right to within a second and the time ps took. */
const LONGEST_RUN_S = 0.9;

/** How often ps is asked again when it took longer than that; then its start tokens stay empty. */
const ATTEMPTS = 3;

export const createPsReader =
  (run: RunPs, uptime: () => number): ReadProcesses =>
  async (columns, pids, environment = false) => {
    const query = { columns, environment, ...(pids === undefined ? {} : { pids }) };
    for (let attempt = 1; ; attempt += 1) {
      const before = uptime();
      const { stdout, pid: own } = await run(query);
      const after = uptime();
      const precise = after - before <= LONGEST_RUN_S;
      if (columns.includes('etime') && !precise && attempt < ATTEMPTS) continue;
      const uptimeS = precise ? (before + after) / 2 : undefined;
      return parsePs(stdout, columns, uptimeS).filter(({ pid }) => pid !== own);
    }
  };
