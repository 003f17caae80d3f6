/** One event of an agent, as a hook leaves it in `spool/new` and as `POST /api/events` takes it. */
export interface SpooledEvent {
  /** See {@link eventId}. At most 1,024 characters. */
  readonly id: string;
  /** The host's name of the event, such as `PostToolUse`. */
  readonly event: string;
  readonly sessionId: string;
  /** The host, such as `claude-code`. */
  readonly agent: string;
  /** ISO 8601, UTC, of the hook's start. */
  readonly at: string;
  /** The agent's process, or the hook's own parent; the worker looks for the session's owner from there upwards. */
  readonly ownerPid?: number;
  /** The start token of `ownerPid` where it was cheap to read, so that a later holder of the pid is not taken for the owner. */
  readonly ownerStartToken?: string;
  /** The payload was larger than the hook's bound and was cut. */
  readonly truncated?: boolean;
  readonly payload: unknown;
}

/** An event as the worker has it on record. */
export interface RecordedEvent extends SpooledEvent {
  /** Ascending from 1, without gaps, for as long as the event log exists: what `after` in `GET /api/events` means. */
  readonly seq: number;
}

/** Copies of one hook (a plugin's and a settings file's) fire within this time of each other. */
export const DUPLICATE_WINDOW_MS = 10_000;

/**
 * The id of an event. What has a tool use id happens once, so its key is its id. Anything else may rightly happen again: its
 * time is part of the id, and the worker drops a second one of equal key within {@link DUPLICATE_WINDOW_MS}.
 */
export const eventId = (key: string, at: Date, once: boolean): string => (once ? key : `${key}@${at.getTime()}`);

/** Splits an id into what two copies of one event share, and the time of it where that matters. */
export const parseEventId = (id: string): { readonly key: string; readonly atMs?: number } => {
  const match = /^(.*)@(\d{1,16})$/s.exec(id);
  const [, key, time] = match ?? [];
  return key === undefined || time === undefined ? { key: id } : { key, atMs: Number(time) };
};
