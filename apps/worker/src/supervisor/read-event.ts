import { BODY_LIMIT_BYTES, SESSION_ID_MAX_BYTES, type SpooledEvent } from '../contract/index.js';
import { MOST_LEVELS, nestsDeeperThan } from './nests-deeper.js';

const text = (value: unknown, most: number): value is string =>
  typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= most;

/** What is wrong with something that should be an event, or undefined when nothing is. */
export const problemWithEvent = (value: unknown): string | undefined => {
  if (typeof value !== 'object' || value === null) return 'not an object';
  const event: Partial<Record<keyof SpooledEvent, unknown>> = value;
  if (!text(event.id, 1024)) return 'id is not text of 1 to 1,024 bytes';
  if (!text(event.event, 256)) return 'event is not text of 1 to 256 bytes';
  if (!text(event.sessionId, SESSION_ID_MAX_BYTES))
    return `sessionId is not text of 1 to ${SESSION_ID_MAX_BYTES} bytes`;
  if (!text(event.agent, 256)) return 'agent is not text of 1 to 256 bytes';
  if (typeof event.at !== 'string' || Number.isNaN(Date.parse(event.at))) return 'at is not a time';
  if (event.ownerPid !== undefined && !Number.isInteger(event.ownerPid)) return 'ownerPid is not a whole number';
  if (event.ownerStartToken !== undefined && typeof event.ownerStartToken !== 'string')
    return 'ownerStartToken is not text';
  if (nestsDeeperThan(value, MOST_LEVELS)) return `nests deeper than ${MOST_LEVELS} levels`;
  return undefined;
};

const isEvent = (value: unknown): value is SpooledEvent => problemWithEvent(value) === undefined;

export type EventReading =
  | { readonly ok: true; readonly event: SpooledEvent }
  | { readonly ok: false; readonly reason: string };

/** The event in the text of a spool file. */
export const readEvent = (content: string): EventReading => {
  if (content.length > BODY_LIMIT_BYTES) return { ok: false, reason: 'larger than an event may be' };
  try {
    const value: unknown = JSON.parse(content);
    return isEvent(value)
      ? { ok: true, event: value }
      : { ok: false, reason: problemWithEvent(value) ?? 'not an event' };
  } catch {
    return { ok: false, reason: 'not JSON' };
  }
};
