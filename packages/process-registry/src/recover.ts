import type { Lookup, ProcessIdentity, ProcessRow, ProcessTable } from '@cm/process-table';
import type { RecoveredRow } from './process-registry.js';
import { identityOfRow, type ProcessRecord } from './record.js';

type Status = RecoveredRow['status'];

const statusOf = (lookup: Lookup): Status =>
  lookup.status === 'dead' && lookup.reason === 'reused' ? 'reused' : lookup.status;

const keyOf = ({ pid, startToken }: ProcessIdentity): string => `${pid} ${startToken}`;

/** Living processes by the cookie they carry, without the leaders of other rows: those are told by their own row. */
const byCookie = (
  rows: readonly ProcessRecord[],
  processes: readonly ProcessRow[],
): ((row: ProcessRecord) => ProcessRow[]) => {
  const leaders = new Set(rows.flatMap(({ identity }) => (identity === undefined ? [] : [keyOf(identity)])));
  const carriers = new Map<string, ProcessRow[]>();
  for (const process of processes) {
    if (process.cookie === undefined || process.state === 'zombie' || leaders.has(keyOf(process.identity))) continue;
    const found = carriers.get(process.cookie);
    if (found === undefined) carriers.set(process.cookie, [process]);
    else found.push(process);
  }
  return ({ cookie }) => carriers.get(cookie) ?? [];
};

/** What became of the rows' processes: one look at each identity, and one listing for all cookies. Changes nothing. */
export const recoverRows = async (
  rows: readonly ProcessRecord[],
  table: Pick<ProcessTable, 'lookup' | 'list'>,
): Promise<RecoveredRow[]> => {
  const looks = await Promise.all(
    rows.map(async (row) => {
      const identity = identityOfRow(row);
      return { row, status: identity === undefined ? undefined : statusOf(await table.lookup(identity)) };
    }),
  );
  const everybodyAlive = looks.every(({ status }) => status === 'alive');
  const carriersOf = byCookie(rows, everybodyAlive ? [] : await table.list({ cookies: true }));
  return looks.map(({ row, status }) => {
    const found = status === 'alive' ? [] : carriersOf(row);
    // An intent has no identity to ask about: whoever carries its cookie is all there ever was.
    return { row, status: status ?? (found.length > 0 ? 'alive' : 'dead'), found };
  });
};
