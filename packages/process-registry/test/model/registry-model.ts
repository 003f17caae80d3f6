import { isEnded, type RowEvent, type RowStatus, transition } from '../../src/index.js';

/** What a registry should be: a list. */
export interface ModelRow {
  readonly session: string;
  readonly name: string;
  readonly status: RowStatus;
  readonly pid: number | undefined;
  readonly reason: string | undefined;
  readonly restarts: number;
}

export type Rows = readonly ModelRow[];

/** What a change comes to: other rows, or a refusal by its code. */
export type Answer = { readonly rows: Rows } | { readonly refused: string };

const isLive = (row: ModelRow, session: string, name: string): boolean =>
  row.session === session && row.name === name && !isEnded(row.status);

const replaced = (rows: Rows, index: number, row: ModelRow): Rows => rows.map((old, at) => (at === index ? row : old));

export const prepare = (rows: Rows, session: string, name: string): Answer =>
  rows.some((row) => isLive(row, session, name))
    ? { refused: 'duplicate' }
    : { rows: [...rows, { session, name, status: 'intended', pid: undefined, reason: undefined, restarts: 0 }] };

export const register = (rows: Rows, index: number, pid: number): Answer => {
  const row = rows[index];
  if (row === undefined) return { refused: 'unknown-row' };
  if (isEnded(row.status)) return { refused: 'row-ended' };
  if (row.status !== 'intended') return { refused: 'duplicate' };
  return { rows: replaced(rows, index, { ...row, status: 'running', pid }) };
};

const reasonAfter = (before: RowStatus, event: RowEvent['type']): string => {
  if (event === 'killed' || before === 'stopping' || before === 'survived') return 'asked';
  return event === 'found-dead' || before === 'lost' ? 'lost' : 'crashed';
};

export const happen = (rows: Rows, index: number, event: RowEvent): Rows => {
  const row = rows[index];
  if (row === undefined) return rows;
  const status = transition(row.status, event);
  if (status === row.status) return rows;
  const reason = isEnded(status) ? reasonAfter(row.status, event.type) : row.reason;
  return replaced(rows, index, { ...row, status, reason });
};

export const restart = (rows: Rows, index: number): Answer => {
  const row = rows[index];
  if (row === undefined) return { refused: 'unknown-row' };
  if (!isEnded(row.status)) return { refused: 'duplicate' };
  if (rows.some((other) => isLive(other, row.session, row.name))) return { refused: 'duplicate' };
  const again = { ...row, status: 'intended', pid: undefined, reason: undefined, restarts: row.restarts + 1 } as const;
  return { rows: [...rows.filter((_, at) => at !== index), again] };
};

export const without = (rows: Rows, gone: (row: ModelRow) => boolean): Rows => rows.filter((row) => !gone(row));
