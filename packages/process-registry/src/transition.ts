export const ROW_STATUSES = ['intended', 'running', 'stopping', 'exited', 'killed', 'survived', 'lost'] as const;

/**
 * - `intended`: written before the spawn; there may be a process or not.
 * - `running`, `stopping`: its identity is recorded; nobody, or somebody, asked it to stop.
 * - `exited`, `killed`: it is gone; by itself or on a polite request, or because we killed it. Only a restart leads out of these.
 * - `survived`: it was there after everything had been tried.
 * - `lost`: its identity can no longer be established.
 */
export type RowStatus = (typeof ROW_STATUSES)[number];

export type RowEvent =
  | { readonly type: 'registered' }
  | { readonly type: 'stop-asked' }
  | { readonly type: 'exited'; readonly code: number | null; readonly signal: string | null }
  /** Proven dead by a look at the process table; how it ended is not known. */
  | { readonly type: 'found-dead' }
  /** A look at the process table established its identity again. */
  | { readonly type: 'found-alive' }
  | { readonly type: 'killed' }
  | { readonly type: 'survived' }
  | { readonly type: 'identity-lost' }
  /** It is about to be started again: the row is an intent once more. */
  | { readonly type: 'restart-intended' };

const ENDS = { exited: 'exited', 'found-dead': 'exited', killed: 'killed' } as const;

/** What is not listed leaves the status as it is. */
const TABLE: Record<RowStatus, Partial<Record<RowEvent['type'], RowStatus>>> = {
  // A short-lived process may end, or be killed by its cookie, before it was registered.
  intended: { ...ENDS, registered: 'running', survived: 'survived' },
  running: { ...ENDS, 'stop-asked': 'stopping', survived: 'survived', 'identity-lost': 'lost' },
  stopping: { ...ENDS, survived: 'survived', 'identity-lost': 'lost' },
  survived: { ...ENDS, 'stop-asked': 'stopping', 'identity-lost': 'lost' },
  // Asking does not make it ours again: unknown never authorises a signal.
  lost: { ...ENDS, 'found-alive': 'running', survived: 'survived' },
  exited: { 'restart-intended': 'intended' },
  killed: { 'restart-intended': 'intended' },
};

/** The status after an event. Total and pure: an event that does not apply leaves the status as it is. */
export const transition = (status: RowStatus, event: RowEvent): RowStatus => TABLE[status][event.type] ?? status;

/** Whether there is no process of this row any more. */
export const isEnded = (status: RowStatus): boolean => status === 'exited' || status === 'killed';
